import { setTimeout as sleep } from 'node:timers/promises'
import { flappingFailure, type OutageCause, outageFailure, outageNotice, returnNotice } from './database-outage.ts'
import type { Notice } from '../infra/notice.ts'

export interface OutageLimits {
  /** For sentences: `the database of service iam`. */
  readonly database: string
  readonly maxOutageMs: number
  readonly notice: Notice
  readonly signal: AbortSignal
}

/** Pauses between two tries grow from the first of these to the second. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000

/** A database that has stayed for so long is back: what happens then is another outage. */
const STABLE_MS = 60_000

/** A statement that takes the whole server down would otherwise do so for ever. */
const MAX_FRUITLESS_OUTAGES = 10

/** How long one service's database is waited for; all of its sessions have one outage together, and one notice. */
export class OutagePatience {
  readonly #limits: OutageLimits
  #since: number | null = null
  #cause: OutageCause | null = null
  #connectedAt: number | null = null
  #isReturnSaid = false
  #tries = 0
  #fruitless = 0

  constructor(limits: OutageLimits) {
    this.#limits = limits
  }

  /**
   * Says that the database is away, once, and returns when it is time to try again.
   * @throws Failure 5 where it was away for too long, or too often; the signal's reason where it was aborted.
   */
  async pause(cause: OutageCause, error: unknown): Promise<void> {
    const { database, maxOutageMs, notice, signal } = this.#limits
    const now = Date.now()
    if (this.#cause === 'away' && cause === 'away' && this.#isStable(now)) this.#since = null
    this.#connectedAt = null
    if (this.#since === null) this.#begin(now)
    const since = this.#since ?? now
    if (this.#fruitless > MAX_FRUITLESS_OUTAGES) throw flappingFailure(database, error, this.#fruitless)
    if (now - since >= maxOutageMs) throw outageFailure(database, cause, error, maxOutageMs)
    if (this.#cause !== cause) {
      notice(outageNotice(database, cause, error, maxOutageMs), 'fault')
      this.#isReturnSaid = false
    }
    this.#cause = cause
    const wait = Math.min(pauseMs(this.#tries++), since + maxOutageMs - now)
    await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
  }

  /** The database lets us in again. Whether it takes rows is another matter. */
  connected(): void {
    this.#connectedAt = Date.now()
    if (this.#since === null || this.#cause !== 'away' || this.#isReturnSaid) return
    this.#isReturnSaid = true
    this.#limits.notice(returnNotice(this.#limits.database))
  }

  /** All that the log holds is applied, and written down: no proof that there is room for more. */
  idle(): void {
    if (this.#cause !== 'full' && this.#cause !== 'out of memory') this.progressed()
  }

  /** Something was stored: so the outage is over. */
  progressed(): void {
    this.#fruitless = 0
    if (this.#since === null) return
    this.#since = null
    if (!this.#isReturnSaid) this.#limits.notice(returnNotice(this.#limits.database))
  }

  /** It proves something for a server that was away alone: a disk may be found full by the end of a long statement only. */
  #isStable(now: number): boolean {
    return this.#connectedAt !== null && now - this.#connectedAt >= STABLE_MS
  }

  #begin(now: number): void {
    this.#since = now
    this.#cause = null
    this.#tries = 0
    this.#fruitless += 1
  }
}

/** @param tries how often it was tried in this outage. */
export function pauseMs(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS)
}
