import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { TableName } from '../../infra/catalog/catalog.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { withLockPatience } from '../../infra/prepare/lock-patience.ts'
import { lockTables, type Neighbour, SWAP_PATIENCE } from './lock-tables.ts'
import type { ReplaySchemas } from './shadow-schema.ts'

const DEPENDENT_OBJECTS_STILL_EXIST = '2BP01'

/**
 * Removes the tables that a swap replaced, with their schemas, in a transaction of its own. What is gone already is passed
 * over. A statement that waited for the swap may still lock an old table before it finds the new one, so that here too
 * it is not the application that gives way.
 * @throws Failure 4 that names what rests on a table or lies in such a schema, or who holds a table.
 */
export async function dropReplaced(client: pg.Client, schemas: readonly ReplaySchemas[]): Promise<void> {
  const names = schemas.map(({ replaced }) => replaced)
  const tables = await readTables(client, names)
  const lockAll = lockTables(tables, SWAP_PATIENCE)
  const locking = {
    hindered: 'the replaced tables could not be removed',
    where: "the service's database",
    tables,
    mode: 'ACCESS EXCLUSIVE',
  } as const
  await withLockPatience(client, locking, SWAP_PATIENCE, async () => {
    await lockAll(client)
    await dropSchemas(client, names)
  })
}

/**
 * Removes the shadow tables with their schemas, also when only some are left, in the caller's transaction if there is one.
 * @throws Failure 4 that names what rests on a table, or lies in such a schema.
 */
export async function dropShadow(client: pg.Client, schemas: readonly ReplaySchemas[]): Promise<void> {
  await dropSchemas(
    client,
    schemas.map(({ shadow }) => shadow),
  )
}

/** All tables go in one statement, which lets foreign keys among them go too. Nothing cascades. */
async function dropSchemas(client: pg.Client, schemas: readonly string[]): Promise<void> {
  try {
    const tables = (await readTables(client, schemas)).map(tableSql)
    if (tables.length > 0) await client.query(`DROP TABLE ${tables.join(', ')}`)
    for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)}`)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== DEPENDENT_OBJECTS_STILL_EXIST) throw cause
    const [first = cause.message] = (cause.detail ?? cause.message).split('\n')
    throw new Failure(4, `Schema ${schemas.join(' or ')} cannot be removed (${first}): drop that, then run it again.`, {
      cause,
    })
  }
}

async function readTables(client: pg.Client, schemas: readonly string[]): Promise<Neighbour[]> {
  const { rows } = await client.query<TableName & pg.QueryResultRow>(
    `SELECT nspname AS schema, relname AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE nspname = ANY ($1) AND relkind = 'r' ORDER BY nspname, relname`,
    [schemas],
  )
  return rows.map(({ schema, table }) => ({ schema, table, isLocked: true }))
}
