import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'

/**
 * Keeps two of `prepare` and `cancel` from running at once: a session lock in the monolith, which ends with the
 * session however that ends. Manual: "Advisory Locks".
 * @throws Failure 4 where another one runs, naming its process.
 */
export async function takePreparationLock(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ taken: string }>(`SELECT pg_try_advisory_lock(${KEY}) AS taken`)
  if (rows[0]?.taken === 't') return
  const holders = await client.query<{ pid: string }>(
    `SELECT l.pid::text AS pid FROM pg_locks l, ${KEY} AS key
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.classid = ((key >> 32) & 4294967295)::oid AND l.objid = (key & 4294967295)::oid`,
  )
  const pid = holders.rows[0]?.pid
  const who = pid === undefined ? 'it has just ended' : `PostgreSQL process ${pid}`
  throw new Failure(4, `Another prepare or cancel is at work on the monolith (${who}): let it end, and run it again.`)
}

const KEY = "hashtextextended('scission preparation', 0)"
