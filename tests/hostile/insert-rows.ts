import { type Client, escapeIdentifier } from 'pg'

/** A row's values in PostgreSQL's text form. */
export type TextRow = readonly (string | null)[]

/** Parameters of one statement: the protocol counts them in 16 bits. */
const MAX_PARAMETERS = 30_000

/**
 * Inserts rows into a table, given as it stands in SQL. Rows whose key is there already are passed over, except where
 * a deferrable constraint forbids that.
 */
export async function insertRows(
  client: Client,
  table: string,
  columns: readonly string[],
  rows: readonly TextRow[],
  conflicts: 'passed over' | 'errors' = 'passed over',
): Promise<void> {
  const names = columns.map((name) => escapeIdentifier(name)).join(', ')
  const rowsAtOnce = Math.floor(MAX_PARAMETERS / columns.length)
  for (let first = 0; first < rows.length; first += rowsAtOnce) {
    const some = rows.slice(first, first + rowsAtOnce)
    const places = some.map((row, place) => `(${row.map((_, i) => `$${place * columns.length + i + 1}`).join(', ')})`)
    await client.query(
      `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE VALUES ${places.join(', ')} ` +
        (conflicts === 'passed over' ? 'ON CONFLICT DO NOTHING' : ''),
      some.flat(),
    )
  }
}
