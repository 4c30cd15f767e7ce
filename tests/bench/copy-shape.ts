import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { withClient } from './servers.ts'

/** Rows, indexes and constraints of tables, a line each, in an order that does not depend on where they are. */
export type CopyShape = readonly string[]

/** Reads what is in one or several databases of a contract set's tables, as if it were in one. */
export async function readShape(urls: readonly string[], set: ContractSet): Promise<CopyShape> {
  const lines = await Promise.all(urls.map(async (url) => await shapeOf(url, set)))
  return lines.flat().sort()
}

async function shapeOf(url: string, set: ContractSet): Promise<string[]> {
  const tables = set.services.flatMap(({ entities }) => entities.map(({ table }) => table))
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `
      WITH ours AS (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY ($1))
      SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index WHERE indrelid IN (TABLE ours) AND indisvalid
      UNION ALL
      SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
      WHERE conrelid IN (TABLE ours) AND contype IN ('p', 'u', 'f') AND convalidated
      `,
      [tables],
    )
    const lines = rows.map(({ line }) => line)
    const { rows: present } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY ($1)`,
      [tables],
    )
    for (const { name } of present) {
      const counted = await client.query<{ count: string }>(`SELECT count(*) FROM ${quoteIdentifier(name)}`)
      lines.push(`${name}: ${counted.rows[0]?.count} rows`)
    }
    return lines
  })
}

/** @throws Failure 1 where a copy is not the same as its source: its time would be of other work. */
export function assertSameShape(who: string, source: CopyShape, copy: CopyShape): void {
  const missing = source.filter((line) => !copy.includes(line))
  const surplus = copy.filter((line) => !source.includes(line))
  if (missing.length === 0 && surplus.length === 0) return
  const said = [...missing.map((line) => `lacks ${line}`), ...surplus.map((line) => `has ${line}`)]
  throw new Failure(
    1,
    `The copy that ${who} made is not that of the source, so its time says nothing: it ${said.join('; ')}.`,
  )
}
