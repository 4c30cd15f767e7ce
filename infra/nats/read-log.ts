import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  NatsError,
  nanos,
} from 'nats'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../contracts/failure.ts'
import { parseStreamSequence, type StreamSequence } from '../../contracts/positions.ts'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../../contracts/wire/headers.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from './api-code.ts'
import { fetchInOrder } from './fetch-in-order.ts'
import { assertSure, readStream } from './stream-leader.ts'
import {
  createWaitOut,
  isConnected,
  isOutage,
  outageFailure,
  RETRY_WAIT_MS,
  untilAborted,
  type WaitOut,
} from './outage.ts'
import type { Notice } from '../notice.ts'

/** A message of the log with what its headers say. */
export interface LogMessage {
  readonly kind: 'message'
  readonly sequence: StreamSequence
  readonly subject: string
  readonly writer: string
  readonly epoch: number
  readonly number: number
  readonly payload: Uint8Array
  /** How many messages the stream had behind it when the broker sent it. */
  readonly behind: number
}

/** What tells one message from another in its place. */
export type WrittenMessage = Pick<LogMessage, 'writer' | 'number'>

/** Nothing came for a second: the reader may look at the clock, or at whether it has seen enough. */
export interface Idle {
  readonly kind: 'idle'
}

export interface ReadLogOptions {
  /** The first sequence to read. */
  readonly from: StreamSequence
  /** The message before that, where it is known: the stream must go on holding it. */
  readonly previous?: WrittenMessage | null
  /** Only messages of these subjects; holes between them are then not looked for. */
  readonly subjects?: readonly string[]
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal
  /** How long a broker that is away is waited for; 15 minutes by default. */
  readonly maxOutageMs?: number
  /** Is told once of each outage. */
  readonly notice?: Notice
  /** Waits with others for the broker, so that all of them together say it once; `notice` is not told then. */
  readonly waitOut?: WaitOut
}

/** The broker removes a reader's state by itself when the reader has been gone for so long. */
const INACTIVE_THRESHOLD_MS = 5 * 60 * 1000

/** What the broker may take to forget a reader at once, so that many of them do not pile up there. */
const FORGET_LIMIT_MS = 1_000

const MAX_OUTAGE_MS = 15 * 60 * 1000

/**
 * How often an idle stream is looked at: messages that are removed before they were read, or with the whole stream, come
 * no more, and nobody tells.
 */
const LOOK_MS = 2_000

/** How often in a row a reading is begun again that brings nothing, though the stream has the message. */
const MAX_FRUITLESS_BREAKS = 5

/**
 * Reads a stream in order from a sequence on, for ever: the caller breaks off. Nothing is acknowledged, since the
 * reader's own checkpoint is the truth. At most 8 MiB (or one message) are in memory or on their way. A broker that is
 * away is waited for, and the reading goes on where it was.
 * @throws Failure 4 where the stream lacks a message that it must hold, or is not the one that was read before; 5 where
 * the broker was away for too long.
 */
export async function* readLog(
  connection: NatsConnection,
  stream: string,
  options: ReadLogOptions,
): AsyncGenerator<LogMessage | Idle> {
  const { maxOutageMs = MAX_OUTAGE_MS, notice = () => undefined, subjects = [] } = options
  const signal = options.signal ?? new AbortController().signal
  const waitOut = options.waitOut ?? createWaitOut(connection, { maxOutageMs, notice, signal })
  const reading: Reading = {
    connection,
    stream,
    subjects,
    signal,
    waitOut,
    created: null,
    next: options.from,
    last: options.previous ?? null,
  }
  let heardAt = Date.now()
  let fruitless = 0
  while (!signal.aborted) {
    const begunAt = reading.next
    try {
      for await (const item of readOn(reading)) {
        heardAt = Date.now()
        yield item
        heardAt = Date.now()
      }
      await assertHeld(reading)
      fruitless = reading.next > begunAt ? 0 : fruitless + 1
      if (fruitless > MAX_FRUITLESS_BREAKS && !signal.aborted) throw outOfOrderFailure(reading)
    } catch (error) {
      if (signal.aborted) return
      if (!isBroken(error)) throw error
      if (Date.now() - heardAt > maxOutageMs) throw outageFailure(maxOutageMs, error)
      await delay(RETRY_WAIT_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

interface Reading {
  readonly connection: NatsConnection
  readonly stream: string
  readonly subjects: readonly string[]
  readonly signal: AbortSignal
  readonly waitOut: WaitOut
  /** When the stream was made; null until it was looked at. */
  created: string | null
  /** The next sequence to read. */
  next: number
  /** Who wrote the message that was read last, and its number; null before the first. */
  last: WrittenMessage | null
}

/** The stream holds another message where one was read before: its broker came back with an older store, and was filled again. */
export class LogReplaced extends Failure {}

/** Reads with one consumer until the reading is broken, or a message was lost on the way; then it must begin again. */
async function* readOn(reading: Reading): AsyncGenerator<LogMessage | Idle> {
  const { connection, signal, stream, subjects, waitOut } = reading
  const name = await waitOut(async (manager, isSure) => await addConsumer(manager, reading, isSure))
  try {
    // Not waited out: where the server that has it is gone, another consumer is made elsewhere.
    const consumer = await untilAborted(signal, connection.jetstream().consumers.get(stream, name))
    let lookedAt = Date.now()
    for await (const item of fetchInOrder(connection, consumer, signal)) {
      if (item === 'idle') {
        yield { kind: 'idle' }
        if (Date.now() - lookedAt < LOOK_MS) continue
        await waitOut(async (manager, isSure) => await assertSame(manager, reading, isSure))
        await assertHeld(reading)
        lookedAt = Date.now()
        continue
      }
      if (subjects.length === 0 && item.seq !== reading.next) return
      reading.next = item.seq + 1
      const message = logMessage(item)
      reading.last = message
      yield message
    }
  } finally {
    await forgetConsumer(reading, name)
  }
}

/** Makes the broker's side of the reading. */
async function addConsumer(manager: JetStreamManager, reading: Reading, isSure: boolean): Promise<string> {
  const { next, stream, subjects } = reading
  await assertSame(manager, reading, isSure)
  const { name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, next),
    inactive_threshold: nanos(INACTIVE_THRESHOLD_MS),
    mem_storage: true,
    num_replicas: 1,
    ...filterOf(subjects),
  })
  return name
}

/** @throws Failure 4 where the stream is gone, does not reach as far as was read, or does not hold what was read last. */
async function assertSame(manager: JetStreamManager, reading: Reading, isSure: boolean): Promise<void> {
  const { next, stream } = reading
  const info = await readStream(manager, stream).catch((error: unknown) => {
    if (apiCode(error) !== NO_STREAM) throw error
    throw new Failure(
      4,
      reading.created === null
        ? `There is no stream ${stream}: run prepare first.`
        : `Stream ${stream} was deleted while it was read: run prepare, then publish --new-epoch, then this command again.`,
      { cause: error },
    )
  })
  const { created, state } = info
  reading.created ??= created
  const isSame = reading.created === created
  if (isSame && state.last_seq >= next - 1) return await assertLast(manager, reading, () => assertSure(info, isSure))
  if (isSame) assertSure(info, isSure)
  throw new LogReplaced(
    4,
    `Stream ${stream} ends at message ${state.last_seq}, and message ${next - 1} was read before: the broker came back with an older store, or the stream was made anew; put the stream back from a copy, or begin a new epoch with publish --new-epoch.`,
  )
}

async function assertLast(
  manager: JetStreamManager,
  { last, next, stream, subjects }: Reading,
  assertLacking: () => void,
): Promise<void> {
  if (last === null || subjects.length > 0) return
  const stored = await manager.streams.getMessage(stream, { seq: next - 1 }).catch((error: unknown) => {
    if (apiCode(error) !== NO_MESSAGE) throw error
    assertLacking()
    throw holeFailure(stream, next - 1, error)
  })
  const found = { writer: stored.header.get(WRITER_HEADER), number: Number(stored.header.get(NUMBER_HEADER)) }
  if (found.writer === last.writer && found.number === last.number) return
  throw new LogReplaced(
    4,
    `Stream ${stream} holds another message ${next - 1} than was read before: the broker came back with an older store; run the command again, and if it comes again put the stream back from a copy, or begin a new epoch with publish --new-epoch.`,
  )
}

/** One subject has a setting of its own: of several, a broker finds the next in a compressed stream twenty times slower. */
function filterOf(subjects: readonly string[]): Partial<ConsumerConfig> {
  const [only, ...more] = subjects
  if (only === undefined) return {}
  return more.length === 0 ? { filter_subject: only } : { filter_subjects: [...subjects] }
}

async function forgetConsumer({ connection, signal, stream }: Reading, name: string): Promise<void> {
  const forgotten = connection
    .jetstreamManager({ checkAPI: false })
    .then(async (manager) => await manager.consumers.delete(stream, name))
    .catch(() => undefined)
  if (signal.aborted || !isConnected(connection)) return
  await Promise.race([forgotten, delay(FORGET_LIMIT_MS, undefined, { ref: false })])
}

/**
 * After a break: what comes next must still be in the stream, if it was there.
 * @throws Failure 4 where it is not.
 */
async function assertHeld({ next, signal, stream, subjects, waitOut }: Reading): Promise<void> {
  if (subjects.length > 0 || signal.aborted) return
  await waitOut(async (manager, isSure) => {
    const info = await readStream(manager, stream)
    if (info.state.last_seq < next) return
    await manager.streams.getMessage(stream, { seq: next }).catch((error: unknown) => {
      if (apiCode(error) !== NO_MESSAGE) throw error
      assertSure(info, isSure)
      throw holeFailure(stream, next, error)
    })
  })
}

/** What ends one consumer and not the reading: the broker is away, or has forgotten the consumer while it was. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false
  return isOutage(error) || /^(consumer (not found|deleted)|no responders)$/.test(error.message)
}

function logMessage(message: JsMsg): LogMessage {
  return {
    kind: 'message',
    sequence: parseStreamSequence(message.seq),
    subject: message.subject,
    writer: message.headers?.get(WRITER_HEADER) ?? '',
    epoch: Number(message.headers?.get(EPOCH_HEADER) ?? Number.NaN),
    number: Number(message.headers?.get(NUMBER_HEADER) ?? Number.NaN),
    payload: message.data,
    behind: message.info.pending,
  }
}

function holeFailure(stream: string, sequence: number, cause: unknown): Failure {
  return new Failure(
    4,
    `Stream ${stream} does not hold its message ${sequence}: messages were removed from the log, which must stay whole; ` +
      `put the stream back from a copy, or begin a new epoch with publish --new-epoch.`,
    { cause },
  )
}

function outOfOrderFailure({ next, stream }: Reading): Failure {
  return new Failure(
    4,
    `Stream ${stream} holds its message ${next} and does not deliver it in its order: see the server's log, then run the command again.`,
  )
}
