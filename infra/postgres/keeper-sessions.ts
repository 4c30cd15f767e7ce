import type pg from 'pg'

/** What a keeper's session is for: by it, and by nothing on any machine, a keeper is found. */
export function keeperPurpose(prefix: string): string {
  return `keeper ${prefix}`
}

/** A session that was told to end may take so long. */
const END_LIMIT_MS = 5_000

/** The server's processes that hold a snapshot for publishers of this prefix. Manual: "pg_stat_activity". */
export async function readKeepers(client: pg.Client, prefix: string): Promise<string[]> {
  const { rows } = await client.query<{ pid: string }>(
    `SELECT pid::text AS pid FROM pg_stat_activity
      WHERE datname = current_database() AND starts_with(application_name, $1) ORDER BY pid`,
    // The session's own program adds host and process in parentheses.
    [`scission ${keeperPurpose(prefix)} (`],
  )
  return rows.map(({ pid }) => pid)
}

/** Ends a keeper's session, at which the keeper ends. Manual: "Server Signaling Functions". */
export function endKeeperSql(pid: string): string {
  return `SELECT pg_terminate_backend(${Number(pid)}, ${END_LIMIT_MS})`
}

/** Ends the keepers of a prefix, but for the one of that process. */
export async function endKeepers(client: pg.Client, prefix: string, but: string | null = null): Promise<void> {
  for (const pid of await readKeepers(client, prefix)) if (pid !== but) await client.query(endKeeperSql(pid))
}
