import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { WATCH_SESSION } from '../infra/following/publisher-standing.ts'
import { type PostgresTarget, withSession } from '../infra/postgres/session.ts'
import { blockerText, readWaits, type Wait } from '../infra/postgres/waits.ts'
import { isMonolithLoss } from './monolith-patience.ts'
import type { Notice } from '../infra/notice.ts'

/** Looks after sessions that may have to wait for others, and says for whom. */
export interface WaitWatch {
  /**
   * @param pid the session's process.
   * @param what begins the sentence, for example `Reader 1`.
   * @returns what ends the looking after.
   */
  add(pid: string, what: string): () => void
  /** For whom a session waited when it was looked at last, as a part of a sentence; empty where for nobody. */
  blockersOf(pid: string): string
  /**
   * @param action what else is done in the watch's session, after each look.
   * @returns what ends it.
   */
  alongside(action: (client: pg.Client) => Promise<void>): () => void
}

export interface WatchOptions {
  readonly monolith: PostgresTarget
  /** Is told once of each process that a session waits for. */
  readonly notice: Notice
  /** Is told when the server has not answered for so long. */
  readonly lost: (error: unknown) => void
  readonly silenceMs: number
}

/** A wait that is over sooner needs no words, and looking costs the monolith little at this pace. */
const LOOK_INTERVAL_MS = 1_000

/**
 * Runs an action while sessions that it names are looked after, by a session of its own: any other may have to wait.
 */
export async function withWaitWatch<Result>(
  { notice, ...watching }: WatchOptions,
  action: (watch: WaitWatch) => Promise<Result>,
): Promise<Result> {
  const watched = new Map<string, string>()
  const latest = new Map<string, string>()
  const told = new Set<string>()
  const ended = new AbortController()
  const actions = new Set<(client: pg.Client) => Promise<void>>()
  const tell = (waits: readonly Wait[]): void => {
    latest.clear()
    for (const wait of waits) {
      const { waiting } = wait
      const known = latest.get(waiting)
      latest.set(waiting, known === undefined ? blockerText(wait) : `${known}, ${blockerText(wait)}`)
      const once = `${waiting}/${wait.pid}`
      if (!told.has(once))
        notice(`${watched.get(waiting)} waits for ${blockerText(wait)}: let it end, or end it.`, 'fault')
      told.add(once)
    }
  }
  const looking = lookOn({ ...watching, watched, actions, tell, signal: ended.signal })
  try {
    return await action({
      add: (pid, what) => {
        watched.set(pid, what)
        return () => void watched.delete(pid)
      },
      blockersOf: (pid) => latest.get(pid) ?? '',
      alongside: (added) => {
        actions.add(added)
        return () => void actions.delete(added)
      },
    })
  } finally {
    ended.abort()
    await looking
  }
}

interface Looking extends Omit<WatchOptions, 'notice'> {
  readonly watched: ReadonlyMap<string, string>
  readonly actions: ReadonlySet<(client: pg.Client) => Promise<void>>
  readonly tell: (waits: readonly Wait[]) => void
  readonly signal: AbortSignal
}

/**
 * Looks until it is told to end. No run is ended because nobody can be told whom it waits for, but one is whose server has
 * not answered for too long: a connection that fell silent would never say so by itself.
 */
async function lookOn(looking: Looking): Promise<void> {
  const { lost, signal, silenceMs } = looking
  const heard = { at: Date.now() }
  while (!signal.aborted) {
    try {
      await delay(LOOK_INTERVAL_MS, undefined, { signal })
      await look(looking, heard)
    } catch (error) {
      if (signal.aborted) return
      // A refusal is an answer: of a server without a free connection, say. It may be looked at again later.
      if (!isMonolithLoss(error)) heard.at = Date.now()
      if (Date.now() - heard.at >= silenceMs) return lost(error)
    }
  }
}

/** The session is opened when a run has lasted for a moment: one that is over by then has waited for nobody. */
async function look(
  { actions, monolith, signal, silenceMs, tell, watched }: Looking,
  heard: { at: number },
): Promise<void> {
  const silent = new AbortController()
  const either = AbortSignal.any([signal, silent.signal])
  const alarm = setInterval(() => {
    if (Date.now() - heard.at < silenceMs) return
    silent.abort(new Error(`Connection terminated: the server has not answered for ${silenceMs / 1000} s`))
  }, LOOK_INTERVAL_MS)
  try {
    await withSession(monolith, { purpose: WATCH_SESSION, signal: either }, async (client) => {
      for (;;) {
        const waits = await readWaits(client, [...watched.keys()])
        heard.at = Date.now()
        tell(waits.filter(({ waiting }) => watched.has(waiting)))
        for (const action of actions) await action(client)
        await delay(LOOK_INTERVAL_MS, undefined, { signal })
      }
    })
  } finally {
    clearInterval(alarm)
  }
}
