import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { codeOf } from '../../infra/postgres/session.ts'
import { FOLLOWING, refuseTriggers } from '../refuse-triggers.ts'
import * as sql from './merge-sql.ts'

/** How many rows of a live table a merge has touched. */
export interface MergedTable {
  readonly entity: string
  readonly deleted: number
  readonly updated: number
  readonly inserted: number
}

const NOTHING = { deleted: 0, updated: 0, inserted: 0 }

/** SQLSTATE "unique_violation" and "exclusion_violation". */
const TAKEN = new Set(['23505', '23P01'])

/** Manual: "PostgreSQL Error Codes", classes 22 (a value does not fit its column) and 23 (a constraint). */
const DOES_NOT_FIT = /^2[23]/

/**
 * Makes the live tables hold what a shadow of them in the same database holds, byte for byte, by touching only the rows
 * that differ. It runs in the caller's transaction, which then locks the live tables against all other writers, and in a
 * session of replication, so that neither triggers nor foreign keys act. Both sides have the contract's key, and the
 * same types; columns of the live tables that are not the contract's keep their values. Sequences are not moved.
 * @returns the counts of each entity, in the contract's order.
 * @throws Failure 4 where a live table does not take the rows, or something of its own would act on them.
 */
export async function mergeInto(client: pg.Client, live: Service, shadow: Service): Promise<MergedTable[]> {
  await assertReplication(client, live)
  const tables = live.entities.map(tableSql)
  // Rows are known by their places from the comparison on, and nobody may move them.
  await client.query(`LOCK TABLE ONLY ${tables.join(', ONLY ')} IN SHARE ROW EXCLUSIVE MODE`)
  await refuseTriggers(client, live, FOLLOWING)
  const merged: MergedTable[] = []
  for (const entity of live.entities) {
    const own = shadow.entities.find(({ name }) => name === entity.name)
    if (own === undefined) throw new Error(`The shadow of service ${live.name} has no ${entity.name}`)
    merged.push(await mergeTable(client, live, entity, own))
  }
  return merged
}

async function assertReplication(client: pg.Client, { name }: Service): Promise<void> {
  const { rows } = await client.query<{ role: string }>("SELECT current_setting('session_replication_role') AS role")
  if (rows[0]?.role === 'replica') return
  throw new Failure(
    4,
    `Service ${name} cannot be put right in place, since its role may not pass over triggers and foreign keys: connect as a superuser, or from PostgreSQL 15 on GRANT SET ON PARAMETER session_replication_role to it.`,
  )
}

async function mergeTable(client: pg.Client, service: Service, entity: Entity, own: Entity): Promise<MergedTable> {
  const table = { live: entity, shadow: own, columns: await readColumns(client, entity) }
  try {
    const differing = await count(client, sql.createDifferingSql(table))
    const merged = differing === 0 ? NOTHING : await mergeDiffering(client, table)
    await client.query(sql.dropDifferingSql())
    return { entity: entity.name, ...merged }
  } catch (cause) {
    if (!DOES_NOT_FIT.test(codeOf(cause))) throw cause
    // PostgreSQL's own sentence may quote a value, which may be a secret.
    throw new Failure(
      4,
      `The rebuilt rows of ${entity.name} do not fit the table ${tableSql(entity)} of service ${service.name} (SQLSTATE ${codeOf(cause)}${constraintOf(cause)}): put the table right, or rebuild the service in place of it.`,
    )
  }
}

async function mergeDiffering(client: pg.Client, table: sql.MergedColumns): Promise<Omit<MergedTable, 'entity'>> {
  const deleted = await count(client, sql.deleteLackingSql(table))
  const updated = await replaceDiffering(client, table)
  const inserted = await count(client, sql.insertMissingSql(table))
  return { deleted, updated, inserted }
}

async function readColumns(client: pg.Client, entity: Entity): Promise<sql.LiveColumn[]> {
  const { rows } = await client.query<{ name: string; always: string; generated: string }>(
    `SELECT attname AS name, attidentity = 'a' AS always, attgenerated <> '' AS generated
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [tableSql(entity)],
  )
  return rows.map(({ name, always, generated }) => ({ name, always: always === 't', generated: generated === 't' }))
}

/**
 * Rows that differ are updated where they stand. Of an identity that is always generated no statement can update the
 * value, and rows that swap unique values get into each other's way in whatever order they are updated: such rows are
 * taken out, all of them, and put in again.
 */
async function replaceDiffering(client: pg.Client, table: sql.MergedColumns): Promise<number> {
  const updated = await unlessTaken(client, async () => await replace(client, table, 'identity'))
  return updated ?? (await replace(client, table, 'all'))
}

async function replace(client: pg.Client, table: sql.MergedColumns, moved: 'identity' | 'all'): Promise<number> {
  await client.query(sql.createMovedSql(table, moved))
  await client.query(sql.deleteMovedSql(table))
  const update = moved === 'all' ? null : sql.updateDifferingSql(table)
  const updated = update === null ? 0 : await count(client, update)
  const inserted = await count(client, sql.insertMovedSql(table))
  await client.query(sql.dropMovedSql())
  return updated + inserted
}

/** Undoes what met a unique value that another row has; null then. */
async function unlessTaken(client: pg.Client, action: () => Promise<number>): Promise<number | null> {
  await client.query('SAVEPOINT scission_merge')
  const result = await action().catch((error: unknown) => {
    if (!TAKEN.has(codeOf(error))) throw error
    return null
  })
  if (result === null) await client.query('ROLLBACK TO SAVEPOINT scission_merge')
  await client.query('RELEASE SAVEPOINT scission_merge')
  return result
}

async function count(client: pg.Client, statement: string): Promise<number> {
  return (await client.query(statement)).rowCount ?? 0
}

function constraintOf(error: unknown): string {
  const named = error instanceof Error && 'constraint' in error ? error.constraint : undefined
  return typeof named === 'string' ? `, constraint ${named}` : ''
}
