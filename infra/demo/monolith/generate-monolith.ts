import { Client } from 'pg'
import { Failure } from '../../../contracts/failure.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { copyRows } from './copy-rows.ts'
import { MONOLITH_DDL } from './ddl.ts'
import type { MonolithOptions } from './sizes.ts'
import { MONOLITH_TABLES } from './tables.ts'
import { type TableName, type World, worldFor } from './world.ts'

/** What the making of a monolith reports: of `tableRows` rows of a table, the first `rows` are stored. */
export type MonolithEvent =
  | { readonly kind: 'started'; readonly totalRows: number }
  | { readonly kind: 'rows stored'; readonly table: TableName; readonly rows: number; readonly tableRows: number }
  | { readonly kind: 'rows complete' }
  | { readonly kind: 'keys created' }
  | { readonly kind: 'foreign keys created' }

export interface GeneratedMonolith {
  /** By table, Prisma's own `_prisma_migrations` included. */
  readonly rows: Record<TableName, number>
  /** The bytes of all rows as COPY's text. */
  readonly bytes: number
}

/**
 * Makes ArchiModeler's monolith in an empty database: its tables, a realistic content that the options alone decide,
 * its keys, indexes and foreign keys. All in one transaction, so that nothing half made is ever left.
 * @throws Failure with exit code 2 where an option is out of its bounds, 4 where the database holds tables already.
 */
export async function generateMonolith(
  url: string,
  options: MonolithOptions,
  report: (event: MonolithEvent) => void = () => {},
): Promise<GeneratedMonolith> {
  const world = worldFor(options)
  const client = new Client({ connectionString: url, application_name: 'scission demo' })
  await client.connect()
  try {
    await client.query('BEGIN')
    await pinSession(client)
    await refuseOccupied(client)
    const bytes = await createContent(client, world, report)
    await client.query('COMMIT')
    return { rows: world.sizes, bytes }
  } finally {
    await client.end()
  }
}

/** Settings of a server, a database or a role must not change how the rows are read, or stop their making. */
async function pinSession(client: Client): Promise<void> {
  await client.query(`
    SET LOCAL search_path = public;
    SET LOCAL client_encoding = 'UTF8';
    SET LOCAL TimeZone = 'UTC';
    SET LOCAL DateStyle = 'ISO, MDY';
    SET LOCAL statement_timeout = 0;
    SET LOCAL maintenance_work_mem = '128MB';
  `)
}

async function refuseOccupied(client: Client): Promise<void> {
  const { rows } = await client.query<{ database: string; table: string }>(`
    SELECT current_database() AS database, relname AS table FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname LIMIT 1
  `)
  const [found] = rows
  if (found === undefined) return
  throw new Failure(
    4,
    `The demo's monolith is made in an empty database, and ${found.database} holds the table "${found.table}" already: name another database.`,
  )
}

async function createContent(client: Client, world: World, report: (event: MonolithEvent) => void): Promise<number> {
  const totalRows = Object.values(world.sizes).reduce((sum, rows) => sum + rows, 0)
  report({ kind: 'started', totalRows })
  await client.query(MONOLITH_DDL.types)
  await client.query(MONOLITH_DDL.tables)
  let bytes = 0
  for (const table of MONOLITH_TABLES)
    bytes += await copyRows(client, table, world, (rows) =>
      report({ kind: 'rows stored', table: table.name, rows, tableRows: world.sizes[table.name] }),
    )
  report({ kind: 'rows complete' })
  await client.query(MONOLITH_DDL.keysAndIndexes)
  report({ kind: 'keys created' })
  // Without statistics the checks of the foreign keys could be planned as nested loops.
  await client.query(`ANALYZE ${MONOLITH_TABLES.map(({ name }) => quoteIdentifier(name)).join(', ')}`)
  await client.query(MONOLITH_DDL.foreignKeys)
  report({ kind: 'foreign keys created' })
  return bytes
}
