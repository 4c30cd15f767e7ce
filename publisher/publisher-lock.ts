import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'

/**
 * Takes the publisher's lock: a session lock in the monolith, held until the session ends, so that a publisher that
 * died leaves nothing behind. The fence in the streams is what protects the log; this protects the operator.
 * Manual: "Advisory Locks".
 * @throws Failure 4 where another publisher of the same prefix has it, naming it.
 */
export async function takePublisherLock(client: pg.Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ locked: string }>(
    `SELECT pg_try_advisory_lock(hashtextextended('scission publisher ' || $1, 0)) AS locked`,
    [prefix],
  )
  if (rows[0]?.locked === 't') return
  throw new Failure(
    4,
    `Another publisher of ${prefix} is running (${await lockHolder(client, prefix)}): a log has one writer; let it finish, or end it.`,
  )
}

async function lockHolder(client: pg.Client, prefix: string): Promise<string> {
  const { rows } = await client.query<{ pid: string; application_name: string; since: string }>(
    `SELECT activity.pid::text, activity.application_name, date_trunc('second', activity.backend_start)::text AS since
       FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid),
            hashtextextended('scission publisher ' || $1, 0) AS key
      WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid`,
    [prefix],
  )
  const holder = rows[0]
  return holder === undefined
    ? 'it has just ended'
    : `${holder.application_name}, PostgreSQL process ${holder.pid}, since ${holder.since} UTC`
}
