import type pg from 'pg'
import type { MonolithIdentity } from './decide-publication.ts'

/**
 * The timeline is that of the WAL that is written now: the control file tells of a promotion only after the checkpoint
 * that follows it. A standby writes none. Manual: "pg_control_system()", "pg_walfile_name()".
 */
export async function readIdentity(client: pg.Client): Promise<MonolithIdentity> {
  const { rows } = await client.query<{ system_id: string; timeline: string; database: string }>(
    `SELECT system_identifier::text AS system_id, current_database() AS database,
            CASE WHEN pg_is_in_recovery() THEN to_hex((SELECT timeline_id FROM pg_control_checkpoint()))
                 ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline
       FROM pg_control_system()`,
  )
  const row = rows[0]
  if (row === undefined) throw new Error('pg_control_system() returned no row')
  return { systemId: row.system_id, timeline: Number.parseInt(row.timeline, 16), database: row.database }
}
