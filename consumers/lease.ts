import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'

/** Any constant serves: an advisory lock's name space is its database, and each service has a database of its own. */
const LEASE_KEY = 'scission consumer'

/**
 * Takes the service's lease: a session lock in its database, which ends with the session, so that a consumer that died
 * leaves nothing behind. The ledger is what protects the rows; this protects the operator. Manual: "Advisory Locks".
 * @throws Failure 4 where another consumer has it, naming it.
 */
export async function takeLease(client: pg.Client, service: string): Promise<void> {
  const { rows } = await client.query<{ locked: string }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [LEASE_KEY],
  )
  if (rows[0]?.locked === 't') return
  throw new Failure(
    4,
    `Another consumer of service ${service} is running (${await leaseHolder(client)}): a service has one; let it finish, or end it.`,
  )
}

async function leaseHolder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: string; application_name: string; since: string }>(
    `SELECT activity.pid::text, activity.application_name, date_trunc('second', activity.backend_start)::text AS since
       FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid), hashtextextended($1, 0) AS key
      WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid`,
    [LEASE_KEY],
  )
  const holder = rows[0]
  return holder === undefined
    ? 'it has just ended'
    : `${holder.application_name}, PostgreSQL process ${holder.pid}, since ${holder.since} UTC`
}
