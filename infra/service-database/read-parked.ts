import type pg from 'pg'
import { hasStateTable } from './has-state-table.ts'

/** What of a service's log is not in its tables, though its position is past it or could not pass it. */
export interface ParkedState {
  /** How many changes wait. */
  readonly parked: number
  /** The transaction that a table does not take; null where there is none. */
  readonly stopped: { readonly position: string; readonly reason: string } | null
}

/** A database that an earlier release prepared has nothing of it. */
export async function readParked(client: pg.Client): Promise<ParkedState> {
  if (!(await hasStateTable(client, 'parked_change'))) return { parked: 0, stopped: null }
  const { rows } = await client.query<{ parked: string; position: string | null; reason: string | null }>(
    `SELECT (SELECT count(*) FROM scission.parked_change)::text AS parked, stopped.lsn::text AS position, stopped.reason
       FROM (VALUES (1)) AS one (row) LEFT JOIN LATERAL (
         SELECT lsn, reason FROM scission.parked_transaction WHERE state <> 'parked' ORDER BY lsn LIMIT 1
       ) AS stopped ON true`,
  )
  const { parked = '0', position = null, reason = null } = rows[0] ?? {}
  return { parked: Number(parked), stopped: position === null ? null : { position, reason: reason ?? '' } }
}
