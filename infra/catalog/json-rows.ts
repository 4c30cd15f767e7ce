import type pg from 'pg'
import type { z } from 'zod'

/**
 * Runs a query whose one column, `row`, is JSON made by PostgreSQL, and checks each row against its schema: sessions
 * give every value as text, and JSON alone brings arrays and booleans over without a parser of ours.
 * @throws ZodError where the catalog says what the schema does not know: a defect, or a newer PostgreSQL.
 */
export async function jsonRows<Schema extends z.ZodType>(
  client: pg.Client,
  schema: Schema,
  sql: string,
  parameters: readonly unknown[],
): Promise<z.infer<Schema>[]> {
  const { rows } = await client.query<{ row: string }>(sql, [...parameters])
  return rows.map(({ row }) => schema.parse(JSON.parse(row)))
}
