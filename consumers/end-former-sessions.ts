import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { OpenSessions } from './consumer-session.ts'
import { NoAnswer } from './database-outage.ts'

/** A session that is ended in the middle of something takes a moment for it. */
const PATIENCE_MS = 10_000
const RETRY_MS = 100

/**
 * Ends what a cut link left of this consumer's own sessions: their server may not know yet that we are gone, and they
 * would keep the lease from us. Manual: "System Administration Functions".
 * @param former is empty afterwards.
 * @throws NoAnswer where one stays: the server is as good as away while it cannot end its own.
 */
export async function endFormerSessions(client: pg.Client, former: OpenSessions): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  const given = [[...former.keys()], [...former.values()]]
  while ((given[0] ?? []).length > 0) {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(activity.pid)
         FROM pg_stat_activity AS activity
         JOIN unnest($1::integer[], $2::text[]) AS former (pid, since)
           ON activity.pid = former.pid AND activity.backend_start::text = former.since`,
      given,
    )
    if (rowCount === 0) break
    if (Date.now() >= deadline) throw new NoAnswer('it does not end a session that was lost')
    await sleep(RETRY_MS)
  }
  former.clear()
}
