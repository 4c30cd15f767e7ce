import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { blockerText, readWaits, type Wait } from '../infra/postgres/waits.ts'
import { openConsumerSession, type SessionLife } from './consumer-session.ts'
import { NoAnswer } from './database-outage.ts'
import type { Traffic } from './traffic.ts'

/** Probes are sent so much more often than an answer may take. */
const PROBES_AN_ANSWER = 3

/**
 * Asks the server from a session of its own, again and again, whether it is there and knows the sessions that are open. A
 * statement may take hours, so a session's own silence says nothing; and a link whose packets vanish says nothing either.
 * `life.lost` is told where no answer comes in time, or where the server has ended a session and we were not told; and
 * where a session has waited for somebody else's lock for too long, after `life.notice` has said for whose.
 * @returns ends it.
 */
export async function watchSessions(
  database: PostgresTarget,
  service: string,
  life: SessionLife,
): Promise<() => Promise<void>> {
  const { client, end } = await openConsumerSession(database, `${service} watch`, life)
  const ended = new AbortController()
  const waits = new WaitPatience(service, life)
  const watching = watch(client, life, waits, AbortSignal.any([life.signal, ended.signal]))
  return async () => {
    ended.abort()
    await end()
    await watching
  }
}

async function watch(
  client: pg.Client,
  { answerLimitMs, lost, open, traffic }: SessionLife,
  waits: WaitPatience,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const asked = [...open.keys()]
    const answer = await Promise.race([
      probe(client, asked, waits, traffic),
      sleep(answerLimitMs, 'silent' as const, { signal }).catch(() => 'ended' as const),
    ])
    // A session that breaks says so itself.
    if (answer === 'ended' || answer === 'broken' || signal.aborted) return
    if (answer === 'silent') return lost(new NoAnswer(`no answer for ${answerLimitMs / 1_000} s`))
    if (answer instanceof Failure) return lost(answer)
    if (answer.some((pid) => open.has(pid))) return lost(new NoAnswer('it has ended a session, which was not told'))
    await sleep(answerLimitMs / PROBES_AN_ANSWER, undefined, { signal }).catch(() => undefined)
  }
}

/** @returns the processes that are none any more, or why it is of no use to go on. */
async function probe(
  client: pg.Client,
  asked: readonly string[],
  waits: WaitPatience,
  traffic: Traffic,
): Promise<readonly string[] | Failure | 'broken'> {
  try {
    const { isAtWork, missing } = await readSessions(client, asked)
    if (isAtWork) traffic.worked()
    return (await waits.look(client, asked)) ?? missing
  } catch (error) {
    // A statement that was cancelled, or had no memory, is an answer too: it is asked again.
    return error instanceof pg.DatabaseError ? [] : 'broken'
  }
}

/** For how long sessions wait for locks that others hold; of each that is waited for it says so once. */
class WaitPatience {
  readonly #service: string
  readonly #life: Pick<SessionLife, 'notice' | 'maxWaitMs' | 'open'>
  readonly #told = new Set<string>()
  /** When each wait of one session for another was seen first, in milliseconds. */
  #since = new Map<string, number>()

  constructor(service: string, life: Pick<SessionLife, 'notice' | 'maxWaitMs' | 'open'>) {
    this.#service = service
    this.#life = life
  }

  /** @returns the failure with which a wait is given up; null where nobody waits, or not for too long. */
  async look(client: pg.Client, asked: readonly string[]): Promise<Failure | null> {
    const { maxWaitMs, notice, open } = this.#life
    // Our own builds wait for each other, also for a session that was opened since.
    const waits = (await readWaits(client, asked)).filter(({ pid }) => !open.has(pid))
    const before = this.#since
    this.#since = new Map(waits.map((wait) => [nameOf(wait), before.get(nameOf(wait)) ?? Date.now()]))
    for (const wait of waits) {
      if (!this.#told.has(wait.pid))
        notice(`Service ${this.#service} waits for ${blockerText(wait)}: let it end, or end it.`, 'fault')
      this.#told.add(wait.pid)
    }
    const long = waits.find((wait) => Date.now() - (this.#since.get(nameOf(wait)) ?? 0) >= maxWaitMs)
    if (long === undefined) return null
    return new Failure(
      5,
      `Service ${this.#service} has waited for ${blockerText(long)} for longer than --max-outage: let it end, or end it, then run consume again; it goes on from where it was.`,
    )
  }
}

function nameOf({ waiting, pid }: Wait): string {
  return `${waiting}/${pid}`
}

interface SessionsSeen {
  /** Those of the server's processes that are none any more. */
  readonly missing: readonly string[]
  /** Whether one is in the midst of a statement that takes longer, and waits neither for a lock nor for us. */
  readonly isAtWork: boolean
}

async function readSessions(client: pg.Client, pids: readonly string[]): Promise<SessionsSeen> {
  const { rows } = await client.query<{ pid: string; missing: string; works: string }>(
    `SELECT asked.pid::text, activity.pid IS NULL AS missing,
            coalesce(state = 'active' AND clock_timestamp() - query_start > interval '1 second'
                     AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client'), false) AS works
       FROM unnest($1::integer[]) AS asked (pid) LEFT JOIN pg_stat_activity AS activity USING (pid)`,
    [pids],
  )
  return {
    missing: rows.filter(({ missing }) => missing === 't').map(({ pid }) => pid),
    isAtWork: rows.some(({ works }) => works === 't'),
  }
}
