import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../contracts/failure.ts'
import { codeOf, type PostgresTarget, publicPlace, withSession } from '../infra/postgres/session.ts'
import { isSessionLoss } from '../infra/postgres/session-failure.ts'
import { SnapshotLost } from './snapshot-source.ts'
import type { Notice } from '../infra/notice.ts'

const RETRY_WAIT_MS = 500

/** A server whose connection falls silent between two words does not say so. */
const ANSWER_LIMIT_MS = 30_000

/** A server that has just come back, and to which its applications were faster. */
const TOO_MANY_CONNECTIONS = '53300'

/** A server that is away, starting, recovering, or behind a network that is: what is new to it is told at once. */
const UNREACHABLE = new Set(['EAI_AGAIN', 'ENOTFOUND', 'ENETUNREACH', 'EHOSTUNREACH'])
const CONNECT_TIMEOUT = /^(timeout expired|Connection terminated)/

/** Whether an error means that the server or the way to it was gone, and not that it refused something. */
export function isMonolithLoss(error: unknown): boolean {
  if (error instanceof SnapshotLost) return true
  const cause = error instanceof Failure ? error.cause : error
  if (!(cause instanceof Error)) return false
  return isSessionLoss(cause) || UNREACHABLE.has(codeOf(cause)) || CONNECT_TIMEOUT.test(cause.message)
}

function isFull(error: unknown): boolean {
  return error instanceof Failure && codeOf(error.cause) === TOO_MANY_CONNECTIONS
}

/**
 * Waits out the monolith's outages. One lasts from the first loss until something is stored again, however often the
 * server answers in between; it is said once.
 */
export class MonolithPatience {
  readonly #monolith: PostgresTarget
  readonly #maxOutageMs: number
  readonly #signal: AbortSignal
  readonly #notice: Notice
  #since: number | null = null
  wasConnected = false

  constructor(
    monolith: PostgresTarget,
    { maxOutageMs, signal }: { readonly maxOutageMs: number; readonly signal: AbortSignal },
    notice: Notice,
  ) {
    this.#monolith = monolith
    this.#maxOutageMs = maxOutageMs
    this.#signal = signal
    this.#notice = notice
  }

  /** Where no session could be had yet, a wrong URL is more likely than an outage. */
  connected(): void {
    this.wasConnected = true
  }

  progressed(): void {
    if (this.#since !== null) this.#notice(`${this.#place()} is back: going on from what is stored.`)
    this.#since = null
  }

  /**
   * Returns when the monolith answers again.
   * @throws Failure 5 where that takes longer than an outage may last.
   */
  async waitOut(loss: unknown): Promise<void> {
    if (this.#since === null)
      this.#notice(
        `${this.#place()} is away (${reasonOf(loss)}): waiting for it, up to ${this.#maxOutageMs / 1000} s.`,
        'fault',
      )
    this.#since ??= Date.now()
    for (let latest = loss; ;) {
      if (Date.now() - this.#since >= this.#maxOutageMs) throw this.#failure(latest)
      await delay(RETRY_WAIT_MS, undefined, { signal: this.#signal }).catch(() => undefined)
      this.#signal.throwIfAborted()
      const silence = AbortSignal.timeout(ANSWER_LIMIT_MS)
      const signal = AbortSignal.any([this.#signal, silence])
      try {
        return await withSession(this.#monolith, { purpose: 'publish wait', signal }, async (client) => {
          await client.query('SELECT 1')
        })
      } catch (error) {
        this.#signal.throwIfAborted()
        if (!silence.aborted && !isMonolithLoss(error) && !isFull(error)) throw error
        latest = error
      }
    }
  }

  #failure(cause: unknown): Failure {
    return new Failure(
      5,
      `${this.#place()} was away for ${this.#maxOutageMs / 1000} s (${reasonOf(cause)}): see that the server runs and can be reached, then run publish again, which goes on from there.`,
      { cause },
    )
  }

  #place(): string {
    const { title, url, variable } = this.#monolith
    const place = `${title} (${variable}, ${publicPlace(url)})`
    return place.charAt(0).toUpperCase() + place.slice(1)
  }
}

/** What the driver or the server said; our own sentences end with what to do, which is not to be done yet. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Failure && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
