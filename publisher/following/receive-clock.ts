import type { Lsn } from '../../contracts/positions.ts'
import type { MonolithMoment, PublisherStanding } from '../../infra/following/publisher-standing.ts'
import type { AckerProgress } from './acker.ts'

/**
 * Tells until when all that was committed is received: until the monolith was where it had come to by then. Nothing here reads a
 * clock.
 */
export class ReceiveClock {
  #waited: MonolithMoment | null = null
  #untilMs: number | null = null

  /** Where the monolith is now, and what of it is received. */
  looked(moment: MonolithMoment, received: Lsn): void {
    this.#settle(received)
    this.#waited ??= moment
  }

  standing({ received, receivedCommittedAt, unstoredCommittedAt }: AckerProgress): PublisherStanding {
    this.#settle(received)
    const committedMs = receivedCommittedAt / 1_000
    const isKnown = this.#untilMs !== null || receivedCommittedAt > 0
    return {
      received,
      receivedUntilMs: isKnown ? Math.max(this.#untilMs ?? 0, committedMs) : null,
      unstoredSinceMs: unstoredCommittedAt === null ? null : unstoredCommittedAt / 1_000,
    }
  }

  #settle(received: Lsn): void {
    if (this.#waited === null || received < this.#waited.position) return
    this.#untilMs = this.#waited.nowMs
    this.#waited = null
  }
}
