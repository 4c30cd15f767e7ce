import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from './json-rows.ts'

/** Above what a request of an application takes, and below what would make prepare wait in earnest. */
export const LONG_TRANSACTION_S = 10

/** As many as an operator wants to read; the oldest ones come first. */
const SHOWN = 10

/** A transaction that has been open for long. */
export interface OpenTransaction {
  readonly pid: number
  readonly database: string
  readonly user: string
  readonly application: string
  /** For example `idle in transaction`. */
  readonly state: string
  readonly seconds: number
}

/** One that was prepared for two-phase commit, and waits for its end. Manual: "PREPARE TRANSACTION". */
export interface PreparedTransaction {
  readonly gid: string
  readonly database: string
  readonly seconds: number
}

const OPEN = z.object({
  pid: z.number(),
  database: z.string(),
  user: z.string(),
  application: z.string(),
  state: z.string(),
  seconds: z.number(),
})
const PREPARED = z.object({ gid: z.string(), database: z.string(), seconds: z.number() })

/**
 * Those older than `LONG_TRANSACTION_S` that would be waited for: any of this database by locks, and those of others
 * that have written, by the slot. Scission's own are left out; other roles' are seen with pg_read_all_stats alone.
 */
export async function readOpenTransactions(client: pg.Client): Promise<OpenTransaction[]> {
  return await jsonRows(
    client,
    OPEN,
    `SELECT json_build_object('pid', pid, 'database', datname, 'user', coalesce(usename, ''), 'application', application_name,
              'state', coalesce(state, ''), 'seconds', extract(epoch FROM clock_timestamp() - xact_start)::int) AS row
     FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
       AND xact_start < clock_timestamp() - make_interval(secs => $1)
       AND (datname = current_database() OR backend_xid IS NOT NULL) AND application_name NOT LIKE 'scission %'
     ORDER BY xact_start LIMIT ${SHOWN}`,
    [LONG_TRANSACTION_S],
  )
}

/** Of all databases: a slot waits for each of them. */
export async function readPreparedTransactions(client: pg.Client): Promise<PreparedTransaction[]> {
  return await jsonRows(
    client,
    PREPARED,
    `SELECT json_build_object('gid', gid, 'database', database,
              'seconds', extract(epoch FROM clock_timestamp() - prepared)::int) AS row
     FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - make_interval(secs => $1)
     ORDER BY prepared LIMIT ${SHOWN}`,
    [LONG_TRANSACTION_S],
  )
}
