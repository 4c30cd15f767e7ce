import { setTimeout as delay } from 'node:timers/promises'
import { createLagHistory, type LagHistory } from './lag-history.ts'
import type { LagReport } from './lag-report.ts'

/** One look at a split. */
export interface LagLook {
  /** When it was finished, in milliseconds since 1970. */
  readonly atMs: number
  /** How long it took. */
  readonly tookMs: number
  readonly report: LagReport
  /** What the looks before it add up to, this one included. */
  readonly history: LagHistory
}

/** Looks again and again for all who watch, once for all of them, and only as long as somebody does. */
export interface LagWatch {
  /** The latest look, where it is not older than a second; else another one, which all who ask meanwhile share. */
  readonly look: () => Promise<LagLook>
  /** The latest look, however old it is; null before the first. */
  readonly latest: () => LagLook | null
  /** Calls back with each look, one a second, until it is told to end by the function that it returns. */
  readonly subscribe: (listener: (look: LagLook) => void) => () => void
  /** Ends all, and waits for a look that is under way. */
  readonly close: () => Promise<void>
}

const LOOK_EVERY_MS = 1_000
/** A timer may fire a little early, and its look must not be taken for too soon. */
const EARLY_MS = 50

/** @param readReport as `createLagReader` makes it. @param failed is told of an error that is a defect of ours. */
export function createLagWatch(readReport: () => Promise<LagReport>, failed: (error: unknown) => void): LagWatch {
  const history = createLagHistory()
  const listeners = new Set<(look: LagLook) => void>()
  const closing = new AbortController()
  let latest: LagLook | null = null
  let begunAt = 0
  let looking: Promise<LagLook> | null = null
  let watching: Promise<void> | null = null
  const lookNow = async (): Promise<LagLook> => {
    const since = performance.now()
    begunAt = since
    const report = await readReport()
    const atMs = Date.now()
    latest = { atMs, tookMs: performance.now() - since, report, history: history.after(report, atMs) }
    return latest
  }
  const look = async (): Promise<LagLook> => {
    if (looking === null && latest !== null && performance.now() - begunAt < LOOK_EVERY_MS - EARLY_MS) return latest
    return await (looking ??= lookNow().finally(() => (looking = null)))
  }
  const watch = async (): Promise<void> => {
    let told: LagLook | null = null
    while (listeners.size > 0 && !closing.signal.aborted) {
      const dueAt = performance.now() + LOOK_EVERY_MS
      try {
        const seen = await look()
        if (seen !== told) for (const listener of listeners) listener(seen)
        told = seen
      } catch (error) {
        // The next look may do: a page that heard of nothing more would look like one of a split at rest.
        failed(error)
      }
      await delay(Math.max(0, dueAt - performance.now()), undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }
  const startWatching = (): void => {
    watching ??= watch().finally(() => (watching = null))
  }
  return {
    look,
    latest: () => latest,
    subscribe: (listener) => {
      listeners.add(listener)
      startWatching()
      return () => void listeners.delete(listener)
    },
    close: async () => {
      listeners.clear()
      closing.abort()
      await Promise.allSettled([watching, looking])
    },
  }
}
