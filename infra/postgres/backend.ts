import type pg from 'pg'
import { type PostgresTarget, withSession } from './session.ts'

/** The process of a session in the server, for the simple protocol too, which is all that a walsender knows. */
export async function backendPid(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid()::text AS pid')
  const pid = rows[0]?.pid
  if (pid === undefined) throw new Error('pg_backend_pid() returned no row')
  return pid
}

/** Ends a session of ours that no longer listens. Manual: "Server Signaling Functions". */
export async function endBackend(target: PostgresTarget, pid: string): Promise<void> {
  await withSession(target, { purpose: 'ending another' }, async (client) => {
    await client.query('SELECT pg_terminate_backend($1::int)', [pid])
  })
}
