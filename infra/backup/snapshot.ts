import pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import { quoteLiteral } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { holderText } from '../prepare/lock-patience.ts'
import { type DatabaseObject, readObjects } from './read-objects.ts'
import { type ListedTable, listTables, refuseUnreadable } from './read-tables.ts'

/** One point in time of the monolith, and the tables that it shows; none of them can be rewritten while it is held. */
export interface HeldSnapshot {
  readonly name: string
  /** `pg_current_snapshot()`: which transactions it shows. */
  readonly visible: string
  /** A position in the WAL that everything it shows lies before. */
  readonly position: string
  readonly takenAt: string
  readonly tables: readonly ListedTable[]
  readonly objects: readonly DatabaseObject[]
}

/** A statement over more tables than these gains nothing, and its text grows long. */
const TABLES_AT_ONCE = 200

/** Longer than a migration's short lock, and shorter than anyone's patience. */
export const LOCK_WAIT_MS = 60_000

/** Tables and objects that come and go between the look and the lock, as those of a test run or a nightly job do. */
const ATTEMPTS = 5

/** Who wants a table for itself waits for the snapshot's holder, and a reader that comes later waits for both. */
const SHORT_WAIT_MS = 500

const LOCK_NOT_AVAILABLE = '55P03'
const NO_LOCKS_LEFT = '53200'
const NO_SUCH_TABLE = new Set(['42P01', '3F000'])

/**
 * Takes a snapshot in a transaction of `client`'s that goes on. All tables are locked before it is taken, as readers
 * lock them: a table that is rewritten (`TRUNCATE`, `ALTER … TYPE`, `CLUSTER`) behind a snapshot shows it no rows, and
 * pg_dump by itself would save none. Manual: "LOCK", on snapshots that are taken after the locks. Nothing locks a view or
 * a function, so that they are read at once: hours later one that was dropped or replaced would be taken for a difference.
 * @throws Failure 4 where tables cannot be read, 5 where a lock is not let go, or tables or objects do not stand still.
 */
export async function holdSnapshot(client: pg.Client, role: string, lockWaitMs = LOCK_WAIT_MS): Promise<HeldSnapshot> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const tables = await listTables(client)
    refuseUnreadable(tables, role)
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    if (await lockTables(client, tables, lockWaitMs)) {
      const held = await exportSnapshot(client)
      const seen = await listTables(client)
      const objects = standStill(tables, seen) ? await lookAtObjects(client, lockWaitMs) : null
      if (objects !== null) return { ...held, tables: seen, objects }
    }
    await client.query('ROLLBACK')
  }
  throw new Failure(
    5,
    `Tables or other objects of the monolith were created, dropped or rewritten each of ${ATTEMPTS} times that a snapshot was taken: run backup again when no migration is under way.`,
  )
}

/**
 * Going back to the savepoint lets go of the views, which are locked while their definitions are printed: a migration may
 * drop them while the snapshot is held.
 */
async function lookAtObjects(client: pg.Client, waitMs: number): Promise<DatabaseObject[] | null> {
  await client.query(`SAVEPOINT before_objects; SET LOCAL lock_timeout = ${waitMs}`)
  try {
    return await readObjects(client)
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause
    const what = `A view of the monolith was locked against readers for ${waitMs / 1000} s`
    throw new Failure(5, `${what}: run backup again when the migration that has it has ended.`, { cause })
  } finally {
    // Where the session itself is gone the first error is the one that tells.
    await client.query('ROLLBACK TO SAVEPOINT before_objects; RELEASE SAVEPOINT before_objects').catch(() => undefined)
  }
}

/** Whether a snapshot shows the tables that were locked for it, and their files. */
export function standStill(locked: readonly ListedTable[], seen: readonly ListedTable[]): boolean {
  const oids = new Set(locked.map(({ oid }) => oid))
  return seen.length === locked.length && seen.every(({ oid, rewritten }) => oids.has(oid) && !rewritten)
}

/**
 * Opens a transaction of another session's on the same snapshot. It locks nothing ahead: the server's table of locks is
 * everyone's, and a monolith may have thousands of partitions.
 */
export async function joinSnapshot(client: pg.Client, name: string): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(name)}`)
  await client.query(`SET LOCAL lock_timeout = ${SHORT_WAIT_MS}`)
}

/** @returns false where one of the tables is gone. */
async function lockTables(client: pg.Client, tables: readonly ListedTable[], waitMs: number): Promise<boolean> {
  // A foreign table has no rows here, and cannot be locked.
  const lockable = tables.filter(({ kind }) => kind !== 'f')
  try {
    await client.query(`SET LOCAL lock_timeout = ${waitMs}`)
    for (let first = 0; first < lockable.length; first += TABLES_AT_ONCE) {
      const names = lockable.slice(first, first + TABLES_AT_ONCE).map(tableSql)
      await client.query(`LOCK TABLE ${names.map((name) => `ONLY ${name}`).join(', ')} IN ACCESS SHARE MODE`)
    }
    await client.query('SET LOCAL lock_timeout = 0')
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    if (NO_SUCH_TABLE.has(error.code ?? '')) return false
    if (error.code === NO_LOCKS_LEFT) throw noLocksLeft(tables.length, error)
    throw isLockTimeout(error) ? await lockFailure(client, lockable, waitMs, error) : error
  }
}

/** Whether a statement gave up waiting for a lock. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE
}

function noLocksLeft(tables: number, cause: Error): Failure {
  return new Failure(
    4,
    `The monolith has no room to lock its ${tables} tables for readers, which any dump must do: raise max_locks_per_transaction and restart the server.`,
    { cause },
  )
}

const SNAPSHOT = z.object({ name: z.string(), visible: z.string(), position: z.string(), takenAt: z.string() })

async function exportSnapshot(client: pg.Client): Promise<Omit<HeldSnapshot, 'tables' | 'objects'>> {
  const [snapshot] = await jsonRows(
    client,
    SNAPSHOT,
    `SELECT json_build_object('name', pg_export_snapshot(), 'visible', pg_current_snapshot()::text,
       'takenAt', to_char(statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'position', pg_current_wal_insert_lsn()::text) AS row`,
    [],
  )
  if (snapshot === undefined) throw new Error('pg_export_snapshot returned no row')
  return snapshot
}

const HOLDER = z.object({
  schema: z.string(),
  table: z.string(),
  pid: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  querySeconds: z.number().nullable(),
})

/** Names who keeps readers out of a table, or waits to. */
async function lockFailure(
  client: pg.Client,
  tables: readonly ListedTable[],
  waitMs: number,
  cause: Error,
): Promise<Failure> {
  await client.query('ROLLBACK')
  const [holder] = await jsonRows(
    client,
    HOLDER,
    `SELECT json_build_object('schema', n.nspname, 'table', c.relname, 'pid', l.pid::text,
       'application', nullif(a.application_name, ''), 'state', a.state,
       'querySeconds', extract(epoch FROM clock_timestamp() - a.query_start)::int) AS row
     FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.mode = 'AccessExclusiveLock' AND l.relation = ANY ($1::oid[])
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY l.granted DESC, a.query_start`,
    [tables.map(({ oid }) => oid)],
  )
  const whom = holder === undefined ? 'somebody who has let it go' : holderText(holder)
  const what = holder === undefined ? 'A table' : `Table ${tableSql(holder)}`
  return new Failure(
    5,
    `${what} of the monolith was locked against readers for ${waitMs / 1000} s by ${whom}: run backup again when that has ended.`,
    { cause },
  )
}
