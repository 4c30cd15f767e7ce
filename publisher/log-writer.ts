import {
  headers,
  type JetStreamClient,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
} from 'nats'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../contracts/failure.ts'
import {
  CONTENT_TYPE,
  CONTENT_TYPE_HEADER,
  EPOCH_HEADER,
  HEADER_RESERVE_BYTES,
  NUMBER_HEADER,
  TRACE_HEADER,
  WRITER_HEADER,
} from '../contracts/wire/headers.ts'
import { splitIntoParts } from '../contracts/wire/parts.ts'
import type { ByteWindow } from '../infra/byte-window.ts'

/** The one writer of a service's stream. */
export interface LogWriter {
  /**
   * Sends a message, in parts where the broker takes no message of that size, and returns when it is under way: it
   * waits while the window is full. A later failure shows at the next `append` or `flush`.
   * @param identity names the message among those of its stream; parts of a large one carry it.
   * @param stored is called when the broker has stored the whole message.
   */
  append(subject: string, payload: Uint8Array, identity: string, stored?: () => void): Promise<void>
  /** Returns when everything appended so far is stored. */
  flush(): Promise<void>
}

export interface LogWriterOptions {
  readonly connection: NatsConnection
  readonly stream: string
  readonly writerId: string
  readonly traceParent: string
  readonly epoch: number
  /** Where the stream ends, and the number of its last message in this epoch (0 where it has none). */
  readonly lastSequence: number
  readonly lastNumber: number
  readonly window: ByteWindow
  readonly maxOutageMs: number
  /** Says once that the broker is waited for. */
  readonly notice: (text: string) => void
}

interface InFlight {
  readonly subject: string
  readonly payload: Uint8Array
  readonly number: number
  readonly sequence: number
  /** Settled when the broker has answered or has not; never rejects. */
  settled: Promise<void>
  onStored: (() => void) | undefined
}

/** Longer than a broker's fsync under load; what passes it is ambiguous and is resolved by reading. */
const ACKNOWLEDGE_TIMEOUT_MS = 20_000

/** A pause between two tries to reach a broker that is away. */
const RETRY_WAIT_MS = 500

const WRONG_LAST_SEQUENCE = 10071
const STREAM_FULL = new Set([10077, 10047, 10023, 10028])

export function createLogWriter(options: LogWriterOptions): LogWriter {
  return new FencedLogWriter(options)
}

/**
 * States: open → (a publish fails) resolving → open, or failed for good. While resolving, nothing new is sent. All that
 * was under way settles first; then the messages past the last acknowledged one are read from the stream's leader: what
 * is ours counts as stored, a stranger's message is the end, and the rest is sent again from the first that is missing.
 */
class FencedLogWriter implements LogWriter {
  readonly #options: LogWriterOptions
  readonly #jetstream: JetStreamClient
  readonly #partBytes: number
  #nextSequence: number
  #nextNumber: number
  #inFlight: InFlight[] = []
  #resolving: Promise<void> | null = null
  #failure: Error | null = null

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#jetstream = options.connection.jetstream()
    this.#partBytes = (options.connection.info?.max_payload ?? 1_048_576) - HEADER_RESERVE_BYTES
    this.#nextSequence = options.lastSequence + 1
    this.#nextNumber = options.lastNumber + 1
  }

  async append(subject: string, payload: Uint8Array, identity: string, stored?: () => void): Promise<void> {
    if (payload.length <= this.#partBytes) return await this.#admit(subject, payload, stored)
    for (const part of splitIntoParts(payload, this.#partBytes, identity)) await this.#admit(subject, part)
    // A stream stores its messages in order, so the last part stored means all of them.
    const last = this.#inFlight.at(-1)
    if (last === undefined) stored?.()
    else last.onStored = stored
  }

  async flush(): Promise<void> {
    while (this.#inFlight.length > 0 || this.#resolving !== null) {
      await (this.#resolving ?? Promise.all(this.#inFlight.map(({ settled }) => settled)))
    }
    if (this.#failure !== null) throw this.#failure
  }

  async #admit(subject: string, payload: Uint8Array, onStored?: () => void): Promise<void> {
    await this.#options.window.acquire(payload.length)
    while (this.#resolving !== null) await this.#resolving
    if (this.#failure !== null) {
      this.#options.window.release(payload.length)
      throw this.#failure
    }
    const message: InFlight = {
      subject,
      payload,
      number: this.#nextNumber++,
      sequence: this.#nextSequence++,
      settled: Promise.resolve(),
      onStored,
    }
    this.#inFlight.push(message)
    message.settled = this.#send(message)
  }

  async #send(message: InFlight): Promise<void> {
    try {
      const { seq, duplicate } = await this.#jetstream.publish(message.subject, message.payload, {
        headers: this.#headers(message),
        expect: { lastSequence: message.sequence - 1 },
        timeout: ACKNOWLEDGE_TIMEOUT_MS,
      })
      if (seq !== message.sequence || duplicate)
        throw new Error(`${this.#options.stream} acknowledged message ${message.sequence} as ${seq}`)
      this.#markStored(message)
    } catch (error) {
      this.#resolving ??= this.#resolve(error)
    }
  }

  #headers({ number }: InFlight): MsgHdrs {
    const result = headers()
    result.set(WRITER_HEADER, this.#options.writerId)
    result.set(EPOCH_HEADER, String(this.#options.epoch))
    result.set(NUMBER_HEADER, String(number))
    result.set(CONTENT_TYPE_HEADER, CONTENT_TYPE)
    result.set(TRACE_HEADER, this.#options.traceParent)
    return result
  }

  #markStored(message: InFlight): void {
    this.#options.window.release(message.payload.length)
    // Acknowledgements come in order but for a resolution, so the search ends at the first place nearly always.
    this.#inFlight.splice(this.#inFlight.indexOf(message), 1)
    message.onStored?.()
  }

  async #resolve(cause: unknown): Promise<void> {
    // The state must be seen by others before anything of this runs to its end.
    await Promise.resolve()
    try {
      await this.#settleInFlight()
      const full = fullFailure(this.#options.stream, cause)
      if (full !== null) throw full
      await this.#waitForBroker(async (manager) => await this.#takeStoredMessages(manager))
      this.#resolving = null
      for (const message of this.#inFlight) message.settled = this.#send(message)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Messages sent behind the failed one fail as well; each must have its answer before the tail is read. */
  async #settleInFlight(): Promise<void> {
    await Promise.all(this.#inFlight.map(({ settled }) => settled))
  }

  async #takeStoredMessages(manager: JetStreamManager): Promise<void> {
    const { state } = await manager.streams.info(this.#options.stream)
    const first = this.#inFlight[0]?.sequence ?? this.#nextSequence
    if (state.last_seq >= this.#nextSequence) throw foreignFailure(this.#options.stream, state.last_seq)
    // Sending again would be refused for ever: what was acknowledged before is not there any more.
    if (state.last_seq < first - 1) throw wentBackFailure(this.#options.stream, first - 1, state.last_seq)
    for (const message of this.#inFlight.slice()) {
      const writer = await writerAt(manager, this.#options.stream, message.sequence)
      if (writer === null) return
      if (writer.id !== this.#options.writerId || writer.number !== message.number)
        throw foreignFailure(this.#options.stream, message.sequence)
      this.#markStored(message)
    }
  }

  async #waitForBroker(action: (manager: JetStreamManager) => Promise<void>): Promise<void> {
    const deadline = Date.now() + this.#options.maxOutageMs
    for (let tries = 0; ; tries += 1) {
      try {
        return await action(await this.#options.connection.jetstreamManager())
      } catch (error) {
        if (error instanceof Failure || !isOutage(error)) throw error
        if (Date.now() > deadline)
          throw new Failure(
            5,
            `NATS has not answered for ${this.#options.maxOutageMs / 1000} s: start it, then run publish again.`,
            { cause: error },
          )
        if (tries === 1) this.#options.notice(`NATS does not answer; waiting for stream ${this.#options.stream}`)
        await delay(RETRY_WAIT_MS)
      }
    }
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#resolving = null
    for (const { payload } of this.#inFlight.splice(0)) this.#options.window.release(payload.length)
  }
}

async function writerAt(
  manager: JetStreamManager,
  stream: string,
  sequence: number,
): Promise<{ readonly id: string; readonly number: number } | null> {
  try {
    const { header } = await manager.streams.getMessage(stream, { seq: sequence })
    return { id: header.get(WRITER_HEADER), number: Number(header.get(NUMBER_HEADER)) }
  } catch (error) {
    if (error instanceof NatsError && error.code === '404') return null
    throw error
  }
}

/** Whether the broker did not answer, in place of answering with a refusal. */
export function isOutage(error: unknown): boolean {
  return error instanceof NatsError && error.api_error === undefined
}

function fullFailure(stream: string, cause: unknown): Failure | null {
  const apiCode = cause instanceof NatsError ? cause.api_error?.err_code : undefined
  if (apiCode === undefined || apiCode === WRONG_LAST_SEQUENCE) return null
  const said = cause instanceof NatsError ? cause.api_error?.description : ''
  return STREAM_FULL.has(apiCode)
    ? new Failure(
        4,
        `Stream ${stream} takes no more messages (${said}): raise its limits or free the broker's disk, then run publish again.`,
        { cause },
      )
    : new Failure(
        4,
        `Stream ${stream} refuses a message (${said}, code ${apiCode}): mend that, then run publish again.`,
        { cause },
      )
}

function foreignFailure(stream: string, sequence: number): Failure {
  return new Failure(
    4,
    `Another publisher wrote message ${sequence} of stream ${stream}: a stream has one writer, so this one ends; see which publisher is to go on, and stop the other.`,
  )
}

function wentBackFailure(stream: string, acknowledged: number, last: number): Failure {
  return new Failure(
    4,
    `Stream ${stream} ends at message ${last}, but message ${acknowledged} was acknowledged: the broker came back with an older store; begin anew with publish --new-epoch.`,
  )
}
