import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode, NatsError } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { RETRY_WAIT_MS } from '../infra/nats/outage.ts'
import { shortageFailure, shortageNotice, shortageOf } from './log-shortage.ts'
import type { Notice } from '../infra/notice.ts'

export interface StoringOptions {
  readonly stream: string
  readonly maxOutageMs: number
  /** Is told once when the stream stores nothing, and once when it does again. */
  readonly notice: Notice
  readonly signal: AbortSignal
}

/** How long a stream is asked for that answers, and yet stores nothing of what is sent again and again. */
export class StoringPatience {
  readonly #options: StoringOptions
  #stuck = { sequence: 0, since: 0 }
  #isSaid = false

  constructor(options: StoringOptions) {
    this.#options = options
  }

  /**
   * Returns when it is time to send again.
   * @param sequence that of the first message that is not stored.
   * @throws Failure 5 where that message was not stored for too long.
   */
  async pause(sequence: number, cause: unknown): Promise<void> {
    const { maxOutageMs, signal, stream } = this.#options
    const shortage = shortageOf(stream, cause)
    const isNew = sequence !== this.#stuck.sequence
    if (isNew) this.#stuck = { sequence, since: Date.now() }
    if (isNew && shortage === null) return
    if (Date.now() - this.#stuck.since > maxOutageMs) {
      if (shortage !== null) throw shortageFailure(shortage, maxOutageMs, cause)
      const long = `NATS has not stored message ${sequence} of stream ${stream} for ${maxOutageMs / 1000} s (${String(cause)})`
      throw new Failure(5, `${long}: ${CURE}, then run publish again.`, { cause })
    }
    if (shortage !== null) this.#say(shortageNotice(shortage, maxOutageMs))
    else if (isSilence(cause))
      this.#say(
        `Stream ${stream} is there and does not store message ${sequence}, without a word: ${CURE}. Waiting, up to ${maxOutageMs / 1000} s.`,
      )
    await delay(RETRY_WAIT_MS, undefined, { signal })
  }

  /** A message was stored. */
  stored(): void {
    if (this.#isSaid) this.#options.notice(`Stream ${this.#options.stream} takes messages again.`)
    this.#isSaid = false
  }

  #say(text: string): void {
    if (!this.#isSaid) this.#options.notice(text, 'fault')
    this.#isSaid = true
  }
}

/** A stream of nats-server 2.15 whose disk was full answers nothing more until its server is started again. */
const CURE = 'see the log of nats-server; where its disk was full, free space there and restart it'

/** The message was sent, and nothing came back. */
function isSilence(cause: unknown): boolean {
  return cause instanceof NatsError && cause.code === ErrorCode.Timeout.valueOf()
}
