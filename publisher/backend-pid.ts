import type pg from 'pg'

/** The process of a session in the server, for the simple protocol too, which is all that a walsender knows. */
export async function backendPid(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid()::text AS pid')
  const pid = rows[0]?.pid
  if (pid === undefined) throw new Error('pg_backend_pid() returned no row')
  return pid
}
