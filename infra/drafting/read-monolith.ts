import type pg from 'pg'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readServer } from '../catalog/read-server.ts'
import { readUserTables } from '../catalog/read-user-tables.ts'
import { inTransaction } from '../postgres/session.ts'
import type { MonolithFacts, TableFacts } from './monolith-facts.ts'
import { readColumnFacts } from './read-columns.ts'
import { readObjects } from './read-objects.ts'
import { readForeignKeyFacts, readIndexFacts, readTables } from './read-tables.ts'
import { readOwnTypes } from './read-types.ts'

/** A look at the catalog never waits behind a lock for longer: it would stand before the application's statements. */
const LOCK_TIMEOUT_MS = 2_000

/** Far above what the catalog of thousands of tables takes. */
const STATEMENT_TIMEOUT_MS = 60_000

/**
 * Reads what a draft is made of, all as of one moment. Nothing but the catalog is read, in a number of statements that
 * does not depend on the number of tables.
 * @param client a pinned session, whose search path makes every name schema-qualified.
 */
export async function readMonolith(client: pg.Client): Promise<MonolithFacts> {
  return await inTransaction(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async () => {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`)
    const { database } = await readServer(client)
    const userTables = await readUserTables(client)
    const catalog = await readCatalog(client, userTables, { rows: false })
    const oids = [...catalog.tables.values()].map(({ oid }) => oid)
    const facts = await readTableFacts(client, oids)
    return {
      database,
      userTables,
      catalog,
      tables: new Map([...catalog.tables].flatMap(([name, { oid }]) => factsOf(facts, name, oid))),
      types: new Map((await readOwnTypes(client)).map((type) => [type.oid, type])),
      objects: await readObjects(client),
    }
  })
}

/** A table that was dropped meanwhile has none. */
function factsOf(facts: ReadonlyMap<string, TableFacts>, name: string, oid: string): [string, TableFacts][] {
  const found = facts.get(oid)
  return found === undefined ? [] : [[name, found]]
}

async function readTableFacts(client: pg.Client, oids: readonly string[]): Promise<Map<string, TableFacts>> {
  const tables = await readTables(client, oids)
  const columns = namedByTable(await readColumnFacts(client, oids))
  const indexes = namedByTable(await readIndexFacts(client, oids))
  const foreignKeys = namedByTable(await readForeignKeyFacts(client, oids))
  return new Map(
    tables.map(({ oid, ...table }) => [
      oid,
      {
        ...table,
        columns: columns.get(oid) ?? new Map(),
        indexes: indexes.get(oid) ?? new Map(),
        foreignKeys: foreignKeys.get(oid) ?? new Map(),
      },
    ]),
  )
}

/** Rows by the oid of their table, and in there by their own name. */
function namedByTable<Row extends { readonly oid: string; readonly name: string }>(
  rows: readonly Row[],
): Map<string, Map<string, Row>> {
  const tables = new Map<string, Map<string, Row>>()
  for (const row of rows) {
    const own = tables.get(row.oid) ?? new Map<string, Row>()
    tables.set(row.oid, own.set(row.name, row))
  }
  return tables
}
