import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { lockSoon } from '../infra/postgres/advisory-lock.ts'
import { publisherLockName } from '../infra/prepare/names.ts'

/**
 * Takes the publisher's lock: a session lock in the monolith, held until the session ends, so that a publisher that
 * died leaves nothing behind. The fence in the streams is what protects the log; this protects the operator.
 * Manual: "Advisory Locks".
 * @param former the process of this publisher's own session before a connection was lost, which the server may not know yet.
 * @throws Failure 4 where another publisher of the same prefix has it, naming it.
 */
export async function takePublisherLock(client: pg.Client, prefix: string, former: string | null): Promise<void> {
  const name = publisherLockName(prefix)
  if (former !== null) await endFormer(client, former)
  if (await lockSoon(client, name)) return
  throw new Failure(
    4,
    `Another publisher of ${prefix} is running (${await lockHolder(client, name)}): a log has one writer; let it finish, or end it.`,
  )
}

/** By its process and by its name, which has our host and process in it: its number alone may be another's by now. */
async function endFormer(client: pg.Client, pid: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid = $1::int AND pid <> pg_backend_pid() AND application_name = current_setting('application_name')`,
    [pid],
  )
}

async function lockHolder(client: pg.Client, name: string): Promise<string> {
  const { rows } = await client.query<{ pid: string; application_name: string; since: string }>(
    `SELECT activity.pid::text, coalesce(activity.application_name, 'a session of another role') AS application_name,
            date_trunc('second', activity.backend_start)::text AS since
       FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid),
            hashtextextended($1, 0) AS key
      WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid`,
    [name],
  )
  const holder = rows[0]
  return holder === undefined
    ? 'it has just ended'
    : `${holder.application_name}, PostgreSQL process ${holder.pid}, since ${holder.since} UTC`
}
