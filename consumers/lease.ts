import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { lockSoon } from '../infra/postgres/advisory-lock.ts'
import { CONSUMER_LEASE_NAME } from '../infra/prepare/names.ts'

/** Any constants serve: an advisory lock's name space is its database, and each service has a database of its own. */
const LOADERS_NAME = 'scission loaders'

/**
 * Takes the service's lease: a session lock in its database, which ends with the session, so that a consumer that died
 * leaves nothing behind. Manual: "Advisory Locks".
 * @throws Failure 4 where another consumer has it, naming it.
 */
export async function takeLease(leader: pg.Client, service: string): Promise<void> {
  if (await lockSoon(leader, CONSUMER_LEASE_NAME)) return
  const held = await holder(leader, CONSUMER_LEASE_NAME)
  throw new Failure(
    4,
    held.startsWith('scission replay')
      ? `A replay of service ${service} is running (${held}): let it finish, or end it; it goes on when it is run again.`
      : `Another consumer of service ${service} is running (${held}): a service has one; let it finish, or end it.`,
  )
}

/**
 * Sees that no loader of an earlier consumer is still at work, once the lease is ours: it might load pages of a reading
 * that is void by now, or build an index that we are about to build.
 * @throws Failure 4 where one stays, naming it.
 */
export async function assertNoLoaders(leader: pg.Client, service: string): Promise<void> {
  if (!(await lockSoon(leader, LOADERS_NAME)))
    throw new Failure(
      4,
      `A consumer of service ${service} that has lost its lease still has a session (${await holder(leader, LOADERS_NAME)}): let it end, or end it with pg_terminate_backend, then run consume again.`,
    )
  await leader.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [LOADERS_NAME])
}

/** Marks a session as a loader for as long as it lives, before it does anything else. */
export async function markAsLoader(loader: pg.Client): Promise<void> {
  await loader.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [LOADERS_NAME])
}

async function holder(client: pg.Client, name: string): Promise<string> {
  const { rows } = await client.query<{ pid: string; application_name: string; since: string }>(
    `SELECT activity.pid::text, activity.application_name, date_trunc('second', activity.backend_start)::text AS since
       FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid), hashtextextended($1, 0) AS key
      WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid
        AND pid <> pg_backend_pid()
      ORDER BY activity.backend_start`,
    [name],
  )
  const [first] = rows
  return first === undefined
    ? 'it has just ended'
    : `${first.application_name}, PostgreSQL process ${first.pid}, since ${first.since}`
}
