import type pg from 'pg'
import { CONSUMER_LEASE_NAME } from '../prepare/names.ts'

/**
 * A statement that has a row where a consumer runs in this database: it holds the lease, as a replay may too, which leaves the
 * service's tables as they are. Manual: "pg_locks", advisory locks.
 * @param name of the lease, as an SQL expression.
 */
export function leaseSql(name: string): string {
  return `
    SELECT FROM pg_locks AS lock, hashtextextended(${name}, 0) AS key
     WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
       AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid
       AND NOT EXISTS (SELECT FROM pg_stat_activity AS holder
                        WHERE holder.pid = lock.pid AND starts_with(holder.application_name, 'scission replay'))`
}

/** Whether a consumer runs in this database. */
export async function isConsumed(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(leaseSql('$1'), [CONSUMER_LEASE_NAME])
  return (rowCount ?? 0) > 0
}
