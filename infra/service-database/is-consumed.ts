import type pg from 'pg'
import { CONSUMER_LEASE_NAME } from '../prepare/names.ts'

/**
 * A statement that has a row where a consumer runs in this database: it holds the lease. Manual: "pg_locks", advisory locks.
 * @param name of the lease, as an SQL expression.
 */
export function leaseSql(name: string): string {
  return `
    SELECT FROM pg_locks AS lock, hashtextextended(${name}, 0) AS key
     WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
       AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid`
}

/** Whether a consumer runs in this database. */
export async function isConsumed(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(leaseSql('$1'), [CONSUMER_LEASE_NAME])
  return (rowCount ?? 0) > 0
}
