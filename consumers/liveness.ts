import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { openConsumerSession, type SessionLife } from './consumer-session.ts'
import { NoAnswer } from './database-outage.ts'

/** Probes are sent so much more often than an answer may take. */
const PROBES_AN_ANSWER = 3

/**
 * Asks the server from a session of its own, again and again, whether it is there and knows the sessions that are open. A
 * statement may take hours, so a session's own silence says nothing; and a link whose packets vanish says nothing either.
 * `life.lost` is told where no answer comes in time, or where the server has ended a session and we were not told.
 * @returns ends it.
 */
export async function watchSessions(
  database: PostgresTarget,
  service: string,
  life: SessionLife,
): Promise<() => Promise<void>> {
  const { client, end } = await openConsumerSession(database, `consume ${service} watch`, life)
  const ended = new AbortController()
  const watching = watch(client, life, AbortSignal.any([life.signal, ended.signal]))
  return async () => {
    ended.abort()
    await end()
    await watching
  }
}

async function watch(
  client: pg.Client,
  { answerLimitMs, lost, open }: SessionLife,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const asked = [...open.keys()]
    const answer = await Promise.race([
      readMissing(client, asked).catch(() => 'failed' as const),
      sleep(answerLimitMs, 'silent' as const, { signal }).catch(() => 'ended' as const),
    ])
    // A session that fails says so itself.
    if (answer === 'ended' || answer === 'failed' || signal.aborted) return
    if (answer === 'silent') return lost(new NoAnswer(`no answer for ${answerLimitMs / 1_000} s`))
    if (answer.some((pid) => open.has(pid))) return lost(new NoAnswer('it has ended a session, which was not told'))
    await sleep(answerLimitMs / PROBES_AN_ANSWER, undefined, { signal }).catch(() => undefined)
  }
}

/** Those of the server's processes that are none any more. */
async function readMissing(client: pg.Client, pids: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ pid: string }>(
    `SELECT pid::text FROM unnest($1::integer[]) AS asked (pid)
      WHERE NOT EXISTS (SELECT FROM pg_stat_activity AS activity WHERE activity.pid = asked.pid)`,
    [pids],
  )
  return rows.map(({ pid }) => pid)
}
