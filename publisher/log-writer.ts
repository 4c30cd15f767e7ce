import { Events, type JetStreamClient, type NatsConnection, type PubAck } from 'nats'
import { HEADER_RESERVE_BYTES } from '../contracts/wire/headers.ts'
import { splitIntoParts } from '../contracts/wire/parts.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { untilAborted, type WaitOut } from '../infra/nats/outage.ts'
import type { InFlight, Stored } from './in-flight-message.ts'
import { messageHeaders, messageId } from './message-headers.ts'
import { shortageOf } from './log-shortage.ts'
import { refusalOf } from './publish-refusal.ts'
import { StoringPatience } from './storing-patience.ts'
import { readStoredCount } from './stream-tail.ts'
import type { Notice } from '../infra/notice.ts'

/** The one writer of a service's stream. */
export interface LogWriter {
  /**
   * Sends a message, in parts where the broker takes no message of that size, and returns when it is under way: it
   * waits while the window is full. A later failure shows at the next `append` or `flush`.
   * @param identity names the message among those of its stream; parts of a large one carry it.
   * @param stored is called when the broker has stored the whole message, with the sequence of its end.
   */
  append(subject: string, payload: Uint8Array, identity: string, stored?: Stored): Promise<void>
  /** Returns when everything appended so far is stored. */
  flush(): Promise<void>
}

/** A writer that tells how far its stream has acknowledged what it was sent. */
export interface StreamWriter extends LogWriter {
  /** The sequence up to which the broker said that everything is stored. */
  readonly acknowledged: number
}

export interface LogWriterOptions {
  readonly connection: NatsConnection
  readonly stream: string
  /** When the stream was made, as its leader says: one that was made anew is another. */
  readonly streamCreated: string
  /** How many servers hold the stream. */
  readonly replicas: number
  readonly writerId: string
  readonly traceParent: string
  readonly epoch: number
  /** Where the stream ends, and the number of its last message in this epoch (0 where it has none). */
  readonly lastSequence: number
  readonly lastNumber: number
  readonly maxPayloadBytes: number
  readonly window: ByteWindow
  readonly waitOut: WaitOut
  readonly maxOutageMs: number
  /** Is told once when the stream has no room, and once when it has again. */
  readonly notice: Notice
  /** Is told why the writer takes nothing any more, so that nobody reads on for a stream that stores nothing. */
  readonly failed: (reason: unknown) => void
  /** Ends the writer at once: what is under way may be stored or not, which the next writer reads from the stream. */
  readonly signal: AbortSignal
}

/** Longer than a broker's fsync under load; what passes it is ambiguous and is resolved by reading. */
const ACKNOWLEDGE_TIMEOUT_MS = 20_000

/** A leader that died with the message never answers; the next one is elected within 4 to 9 s. */
const REPLICATED_TIMEOUT_MS = 5_000

export function createLogWriter(options: LogWriterOptions): StreamWriter {
  return new FencedLogWriter(options)
}

/**
 * The fence: each message says which sequence it must follow, and which message it must find there. The sequence alone
 * would not do while several are under way: a stranger's message in the place of one of them would fit the next. Of a
 * stream with replicas one is under way at a time.
 *
 * States: open → (a publish fails) resolving → open, or failed for good. While resolving, nothing new is sent. All that
 * was under way settles first; then the messages past the last acknowledged one are read from the stream's leader: what
 * is ours counts as stored, a stranger's message is the end, and the rest is sent again from the first that is missing.
 * What a broker that was cut off still stores late is met by the fence: then it is read again, and is ours too.
 * A stream without room is asked with one message at a time until it stores it.
 */
class FencedLogWriter implements StreamWriter {
  readonly #options: LogWriterOptions
  readonly #jetstream: JetStreamClient
  readonly #partBytes: number
  /** Whether each message waits for the acknowledgement of the one before. */
  readonly #isAlone: boolean
  #nextSequence: number
  #nextNumber: number
  /** Messages after this number name the one before them, which this writer sent and has not had to ask for. */
  #chainedAfter: number
  #connected = true
  #inFlight: InFlight[] = []
  #resolving: Promise<void> | null = null
  readonly #patience: StoringPatience
  #failure: { readonly reason: unknown } | null = null

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#jetstream = options.connection.jetstream()
    this.#partBytes = options.maxPayloadBytes - HEADER_RESERVE_BYTES
    this.#isAlone = options.replicas > 1
    this.#nextSequence = options.lastSequence + 1
    this.#nextNumber = options.lastNumber + 1
    this.#chainedAfter = this.#nextNumber
    this.#patience = new StoringPatience(options)
    options.signal.addEventListener('abort', () => this.#fail(options.signal.reason), { once: true })
    void this.#followDisconnections()
  }

  get acknowledged(): number {
    return (this.#inFlight[0]?.sequence ?? this.#nextSequence) - 1
  }

  async append(subject: string, payload: Uint8Array, identity: string, stored?: Stored): Promise<void> {
    if (payload.length <= this.#partBytes) return await this.#admit(subject, payload, stored)
    const parts = splitIntoParts(payload, this.#partBytes, identity)
    let part = parts.next()
    while (part.done !== true) {
      const following = parts.next()
      // A stream stores its messages in order, so the last part stored means all of them.
      await this.#admit(subject, part.value, following.done === true ? stored : undefined)
      part = following
    }
  }

  async flush(): Promise<void> {
    while (this.#inFlight.length > 0 || this.#resolving !== null) {
      await (this.#resolving ?? Promise.all(this.#inFlight.map(({ settled }) => settled)))
    }
    this.#assertWhole()
  }

  async #admit(subject: string, payload: Uint8Array, onStored?: Stored): Promise<void> {
    const { signal, window } = this.#options
    await untilAborted(signal, window.acquire(payload.length))
    while (this.#isBusy()) await (this.#resolving ?? this.#inFlight[0]?.settled)
    if (this.#failure !== null) window.release(payload.length)
    this.#assertWhole()
    const message: InFlight = {
      subject,
      payload,
      number: this.#nextNumber++,
      sequence: this.#nextSequence++,
      onStored,
      settled: Promise.resolve(),
      giveUp: () => undefined,
      trouble: null,
    }
    this.#inFlight.push(message)
    this.#send(message)
  }

  /** Several replicas would each judge by what it remembers which message is the one before: see decision 0004. */
  #isBusy(): boolean {
    return this.#resolving !== null || (this.#isAlone && this.#inFlight.length > 0)
  }

  #assertWhole(): void {
    if (this.#failure !== null) throw this.#failure.reason
  }

  #send(message: InFlight): void {
    const { stream, writerId } = this.#options
    const isChained = !this.#isAlone && message.number > this.#chainedAfter
    message.trouble = null
    message.settled = new Promise((settle) => {
      // The first outcome counts: an answer that comes after the message was given up is found in the stream.
      let open = true
      const end = (outcome: () => void): void => {
        if (!open) return
        open = false
        outcome()
        settle()
      }
      const failed = (cause: unknown): void => {
        message.trouble = cause
        this.#trouble(cause)
      }
      message.giveUp = (cause) => end(() => failed(cause))
      if (!this.#connected) return message.giveUp(new Error('There is no connection to NATS'))
      this.#jetstream
        .publish(message.subject, message.payload, {
          headers: messageHeaders(this.#options, message.number),
          ...(this.#isAlone ? {} : { msgID: messageId(writerId, message.number) }),
          expect: {
            streamName: stream,
            lastSequence: message.sequence - 1,
            ...(isChained ? { lastMsgID: messageId(writerId, message.number - 1) } : {}),
          },
          timeout: this.#isAlone ? REPLICATED_TIMEOUT_MS : ACKNOWLEDGE_TIMEOUT_MS,
        })
        .then(
          (answer) => end(() => this.#acknowledge(message, answer)),
          (error: unknown) => end(() => failed(error)),
        )
    })
  }

  #acknowledge(message: InFlight, { seq, duplicate }: PubAck): void {
    if (this.#failure !== null) return
    if (seq === message.sequence && !duplicate) return this.#markStored(message)
    this.#trouble(new Error(`${this.#options.stream} acknowledged message ${message.sequence} as ${seq}`))
  }

  #markStored(message: InFlight): void {
    // Acknowledgements come in order but for a resolution, so the search ends at the first place nearly always.
    const place = this.#inFlight.indexOf(message)
    if (place < 0) throw new Error(`Message ${message.sequence} of ${this.#options.stream} was stored twice`)
    this.#inFlight.splice(place, 1)
    this.#options.window.release(message.payload.length)
    this.#patience.stored()
    try {
      message.onStored?.(message.sequence)
    } catch (error) {
      this.#fail(error)
    }
  }

  #trouble(cause: unknown): void {
    if (this.#failure === null) this.#resolving ??= this.#resolve(cause)
  }

  async #resolve(cause: unknown): Promise<void> {
    // The state must be seen by others before anything of this runs to its end.
    await Promise.resolve()
    try {
      for (let trouble = cause; trouble !== null;) trouble = await this.#resolveOnce(trouble)
      this.#resolving = null
      // What the broker remembers as its last message may be gone after a restart; the sequence was just read.
      this.#chainedAfter = this.#inFlight[0]?.number ?? this.#nextNumber
      for (const message of this.#inFlight) this.#send(message)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Finds out what is stored, and where there was no room whether there is now; null once the rest can be sent. */
  async #resolveOnce(trouble: unknown): Promise<unknown> {
    const { stream } = this.#options
    // Messages sent behind the failed one fail as well; each must have its answer before the tail is read.
    await Promise.all(this.#inFlight.map(({ settled }) => settled))
    // The first one's own trouble is what the others follow from, whichever was told first.
    const cause = this.#inFlight[0]?.trouble ?? trouble
    const refusal = refusalOf(stream, cause)
    if (refusal !== null) throw refusal
    const shortage = shortageOf(stream, cause)
    await this.#patience.pause(this.#inFlight[0]?.sequence ?? this.#nextSequence, cause)
    await this.#takeStored()
    this.#assertWhole()
    const first = this.#inFlight[0]
    if (shortage === null || first === undefined) return null
    return await this.#probe(first)
  }

  /** Sends one message alone: all that is under way would be sent, and refused, again and again. */
  async #probe(message: InFlight): Promise<unknown> {
    this.#chainedAfter = message.number
    this.#send(message)
    await message.settled
    return message.trouble
  }

  async #takeStored(): Promise<void> {
    const { stream, streamCreated, waitOut, writerId } = this.#options
    const unconfirmed = this.#inFlight.slice()
    const view = { stream, streamCreated, writerId, unconfirmed, nextSequence: this.#nextSequence }
    const count = await waitOut(async (manager, isSure) => await readStoredCount(manager, view, isSure))
    if (this.#failure === null) for (const message of unconfirmed.slice(0, count)) this.#markStored(message)
  }

  /**
   * The answers to what was sent into a connection that broke do not come, and need not be waited for; what was sent
   * before there was another one may not have been sent at all.
   */
  async #followDisconnections(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) {
      if (type !== Events.Disconnect && type !== Events.Reconnect) continue
      this.#connected = type === Events.Reconnect
      for (const message of this.#inFlight.slice()) message.giveUp(new Error('The connection to NATS broke'))
    }
  }

  #fail(reason: unknown): void {
    if (this.#failure === null) this.#options.failed(reason)
    this.#failure ??= { reason }
    this.#resolving = null
    for (const message of this.#inFlight.splice(0)) {
      this.#options.window.release(message.payload.length)
      message.giveUp(reason)
    }
  }
}
