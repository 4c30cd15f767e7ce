import type pg from 'pg'
import type { MonolithIdentity } from './decide-publication.ts'

/** Manual: "pg_control_system()", "pg_control_checkpoint()". */
export async function readIdentity(client: pg.Client): Promise<MonolithIdentity> {
  const { rows } = await client.query<{ system_id: string; timeline: string; database: string }>(
    `SELECT system_identifier::text AS system_id, timeline_id::text AS timeline, current_database() AS database
       FROM pg_control_system(), pg_control_checkpoint()`,
  )
  const row = rows[0]
  if (row === undefined) throw new Error('pg_control_system() returned no row')
  return { systemId: row.system_id, timeline: Number(row.timeline), database: row.database }
}
