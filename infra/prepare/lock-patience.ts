import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import type { TableName } from '../catalog/catalog.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { inTransaction } from '../postgres/session.ts'

/** How long, and how often, a lock is waited for. */
export interface LockPatience {
  readonly lockTimeoutMs: number
  readonly attempts: number
  readonly pauseMs: number
}

/**
 * Who waits for an exclusive lock makes everyone behind it wait too, so that the application's own time-outs are what
 * bounds the wait; the pause lets the queue behind it empty. All tries together take up to 20 s.
 */
export const LOCK_PATIENCE: LockPatience = { lockTimeoutMs: 2_000, attempts: 6, pauseMs: 1_500 }

export interface LockedAction {
  /** Ends the sentence "…, so that", for example `its replica identity could not be changed`. */
  readonly hindered: string
  readonly where: string
  readonly tables: readonly TableName[]
  readonly mode: LockMode
}

/** Manual: "Explicit Locking", "Table-Level Lock Modes". */
export type LockMode = 'ACCESS EXCLUSIVE' | 'SHARE ROW EXCLUSIVE' | 'SHARE UPDATE EXCLUSIVE'

/** What stands in the way of each mode, as `pg_locks` calls it. The first conflicts with every other one. */
const CONFLICTING: Readonly<Record<LockMode, readonly string[]>> = {
  'ACCESS EXCLUSIVE': ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'],
  'SHARE ROW EXCLUSIVE': ['RowExclusiveLock'],
  'SHARE UPDATE EXCLUSIVE': [],
}
const ALWAYS_CONFLICTING = [
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
]

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs statements in one transaction that waits briefly for its locks and is tried again as a whole.
 * @throws Failure 4 that names who holds the lock, where the last try found it held too.
 */
export async function withLockPatience<Result>(
  client: pg.Client,
  locked: LockedAction,
  patience: LockPatience,
  action: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(client, 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', async () => {
        await client.query(`SET LOCAL lock_timeout = ${patience.lockTimeoutMs}`)
        return await action()
      })
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error
      if (attempt === patience.attempts) throw await lockFailure(client, locked, patience, error)
    }
    await sleep(patience.pauseMs)
  }
}

/** A session that holds a lock on a table. */
export interface LockHolder extends TableName {
  /** Null for a prepared transaction, which has no session. */
  readonly pid: string | null
  readonly application: string | null
  readonly state: string | null
  readonly querySeconds: number | null
}

const HOLDER = z.object({
  schema: z.string(),
  table: z.string(),
  pid: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  querySeconds: z.number().nullable(),
})

/**
 * Who stands in the way of such a lock on these tables, but this session: holders first, then those who wait for one
 * that conflicts and come before us; autovacuum, which gives way by itself, last.
 */
export async function readLockHolders(
  client: pg.Client,
  tables: readonly TableName[],
  mode: LockMode,
): Promise<LockHolder[]> {
  return await jsonRows(
    client,
    HOLDER,
    `SELECT json_build_object(
       'schema', n.nspname, 'table', c.relname, 'pid', l.pid::text, 'application', nullif(a.application_name, ''),
       'state', a.state, 'querySeconds', extract(epoch FROM clock_timestamp() - a.query_start)::int) AS row
     FROM unnest($1::text[], $2::text[]) AS wanted (nspname, relname)
     JOIN pg_namespace n USING (nspname)
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
     JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = c.oid AND l.mode = ANY ($3)
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.pid IS DISTINCT FROM pg_backend_pid()
     ORDER BY l.granted DESC, a.backend_type = 'autovacuum worker', a.query_start`,
    [
      tables.map(({ schema }) => schema),
      tables.map(({ table }) => table),
      [...ALWAYS_CONFLICTING, ...CONFLICTING[mode]],
    ],
  )
}

/** For example `PostgreSQL process 4711 (application "psql", idle in transaction, its query 35 s old)`. */
export function holderText({ pid, application, state, querySeconds }: LockHolder): string {
  if (pid === null) return 'a prepared transaction (pg_prepared_xacts)'
  const known = [
    application === null ? 'no application name' : `application ${JSON.stringify(application)}`,
    state ?? 'state unknown',
    ...(querySeconds === null ? [] : [`its query ${querySeconds} s old`]),
  ]
  return `PostgreSQL process ${pid} (${known.join(', ')})`
}

async function lockFailure(
  client: pg.Client,
  { hindered, where, tables, mode }: LockedAction,
  { lockTimeoutMs, attempts }: LockPatience,
  cause: pg.DatabaseError,
): Promise<Failure> {
  const [holder] = await readLockHolders(client, tables, mode)
  const tries = `in ${attempts} tries of ${lockTimeoutMs / 1_000} s`
  const sentence =
    holder === undefined
      ? `A lock was held in ${where}, so that ${hindered} ${tries}; who held it has let it go: run it again.`
      : `Table ${tableSql(holder)} of ${where} is locked by ${holderText(holder)}, so that ${hindered} ${tries}: ` +
        `let it end, or end it with pg_terminate_backend, and run it again.`
  return new Failure(4, sentence, { cause })
}
