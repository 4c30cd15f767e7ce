import type pg from 'pg'

/** What is known of a process that a session waits for. */
export interface Blocker {
  /** `0` for a prepared transaction, which has no process. */
  readonly pid: string
  readonly application: string | null
  readonly state: string | null
  /** The age of its transaction. */
  readonly seconds: string | null
  /** The prepared transaction's own name. */
  readonly gid: string | null
}

/** A session that waits, by its process, and one of those that it waits for. */
export interface Wait extends Blocker {
  readonly waiting: string
}

/** For whom these processes wait. Manual: "pg_blocking_pids()", "pg_prepared_xacts". */
export async function readWaits(client: pg.Client, pids: readonly string[]): Promise<Wait[]> {
  const { rows } = await client.query<Wait>(
    `SELECT waiting.pid::text AS waiting, blocker::text AS pid, nullif(other.application_name, '') AS application,
            other.state, extract(epoch FROM clock_timestamp() - other.xact_start)::int::text AS seconds,
            (SELECT prepared.gid FROM pg_locks AS lock JOIN pg_prepared_xacts AS prepared
                 ON prepared.transaction = lock.transactionid
              WHERE lock.pid = waiting.pid AND NOT lock.granted LIMIT 1) AS gid
       FROM pg_stat_activity AS waiting
            CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocker
            LEFT JOIN pg_stat_activity AS other ON other.pid = blocker
      WHERE waiting.pid = ANY ($1::int[]) AND waiting.wait_event_type = 'Lock'`,
    [pids],
  )
  return rows
}

/** For example `PostgreSQL process 4711 (application "psql", idle in transaction, its transaction 35 s old)`. */
export function blockerText({ pid, application, state, seconds, gid }: Blocker): string {
  if (pid === '0')
    return `a prepared transaction${gid === null ? '' : ` (${JSON.stringify(gid)} of pg_prepared_xacts)`}`
  const known = [
    application === null ? 'no application name' : `application ${JSON.stringify(application)}`,
    state ?? 'state unknown',
    ...(seconds === null ? [] : [`its transaction ${seconds} s old`]),
  ]
  return `PostgreSQL process ${pid} (${known.join(', ')})`
}
