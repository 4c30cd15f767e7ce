import { setTimeout as delay } from 'node:timers/promises'

/** What all readers together may still take from the monolith at once, as of a moment; below zero it is owed. */
export interface ReadAllowance {
  readonly bytes: number
  readonly atMs: number
}

/** Counts what was read, and returns once more may be. The readers of one run share it. */
export type ReadPace = (bytes: number, signal: AbortSignal) => Promise<void>

/** What may be read at once after a pause: as much as in this time, so that one is not caught up with in a burst. */
const BURST_MS = 250

/** Timers are no finer: what is shorter is owed, and waited for with what follows. */
const LEAST_WAIT_MS = 5

/**
 * Takes bytes that were read out of the allowance.
 * @returns what is left, and how long nothing more may be read.
 */
export function takeAllowance(
  allowance: ReadAllowance,
  bytesPerSecond: number,
  bytes: number,
  nowMs: number,
): { readonly left: ReadAllowance; readonly waitMs: number } {
  const grown = allowance.bytes + ((nowMs - allowance.atMs) * bytesPerSecond) / 1000
  const left = Math.min(grown, (BURST_MS * bytesPerSecond) / 1000) - bytes
  return { left: { bytes: left, atMs: nowMs }, waitMs: Math.max(0, (-left / bytesPerSecond) * 1000) }
}

/**
 * Holds all readers together to a rate. While a reader waits it does not take what its session sends, so that the
 * monolith stops sending, and reading, by itself.
 */
export function createReadPace(bytesPerSecond: number, now: () => number = () => performance.now()): ReadPace {
  let allowance: ReadAllowance = { bytes: 0, atMs: now() }
  return async (bytes, signal) => {
    const { left, waitMs } = takeAllowance(allowance, bytesPerSecond, bytes, now())
    allowance = left
    if (waitMs >= LEAST_WAIT_MS) await delay(waitMs, undefined, { signal })
  }
}
