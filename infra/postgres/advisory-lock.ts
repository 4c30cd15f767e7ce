import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'

/** A session that was ended takes a moment to leave its locks, and `lag` shares one for a moment: others are at work. */
const PATIENCE_MS = 2_000
const TRY_AGAIN_MS = 100

/**
 * Takes a session lock of this name, which ends with the session; where others hold it, it is tried again for two seconds.
 * Manual: "Advisory Locks".
 * @returns whether it is held now.
 */
export async function lockSoon(client: pg.Client, name: string): Promise<boolean> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const { rows } = await client.query<{ locked: string }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
      [name],
    )
    if (rows[0]?.locked === 't') return true
    if (Date.now() >= deadline) return false
    await delay(TRY_AGAIN_MS)
  }
}
