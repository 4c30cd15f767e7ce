import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  type NatsConnection,
  nanos,
} from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { parseStreamSequence, type StreamSequence } from '../../contracts/positions.ts'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../../contracts/wire/headers.ts'

/** A message of the log with what its headers say. */
export interface LogMessage {
  readonly kind: 'message'
  readonly sequence: StreamSequence
  readonly subject: string
  readonly writer: string
  readonly epoch: number
  readonly number: number
  readonly payload: Uint8Array
}

/** Nothing came for a second: the reader may look at the clock, or at whether it has seen enough. */
export interface Idle {
  readonly kind: 'idle'
}

export interface ReadLogOptions {
  /** The first sequence to read. */
  readonly from: StreamSequence
  /** Only messages of these subjects; holes between them are then not looked for. */
  readonly subjects?: readonly string[]
  readonly signal?: AbortSignal
}

/** Bytes asked for at once: enough to keep the link busy, and far below the 64 MB that a server holds for a slow connection. */
const FETCH_BYTES = 8 * 1024 * 1024

/** Room for subject, headers and protocol, which the server counts too. */
const MESSAGE_OVERHEAD_BYTES = 4096

const FETCH_EXPIRES_MS = 1_000

/** The broker removes a reader's state by itself when the reader has been gone for so long. */
const INACTIVE_THRESHOLD_MS = 5 * 60 * 1000

/** How often a broken read is begun again from where it was before the hole is taken for one in the log itself. */
const MAX_RESTARTS_WITHOUT_PROGRESS = 3

/**
 * Reads a stream in order from a sequence on, for ever: the caller breaks off. Nothing is acknowledged, since the
 * reader's own checkpoint is the truth. At most 8 MiB (or one message) are in memory or on their way.
 * @throws Failure 4 where the stream lacks a message that it must hold.
 */
export async function* readLog(
  connection: NatsConnection,
  stream: string,
  options: ReadLogOptions,
): AsyncGenerator<LogMessage | Idle> {
  const manager = await connection.jetstreamManager()
  let next: number = options.from
  let restarts = 0
  while (options.signal?.aborted !== true) {
    const consumer = await openConsumer(connection, stream, next, options.subjects ?? [])
    try {
      for await (const item of fetchInOrder(connection, consumer, options.signal)) {
        if (item === 'idle') {
          yield { kind: 'idle' }
          continue
        }
        if (options.subjects === undefined && item.seq !== next) break
        next = item.seq + 1
        restarts = 0
        yield logMessage(item)
      }
    } finally {
      const { name } = await consumer.info(true)
      await manager.consumers.delete(stream, name).catch(() => undefined)
    }
    restarts += 1
    if (restarts > MAX_RESTARTS_WITHOUT_PROGRESS) throw holeFailure(stream, next)
  }
}

async function* fetchInOrder(
  connection: NatsConnection,
  consumer: Consumer,
  signal: AbortSignal | undefined,
): AsyncGenerator<JsMsg | 'idle'> {
  const bytes = Math.max(FETCH_BYTES, (connection.info?.max_payload ?? 0) + MESSAGE_OVERHEAD_BYTES)
  while (!isAborted(signal)) {
    const batch: ConsumerMessages = await consumer.fetch({ max_bytes: bytes, expires: FETCH_EXPIRES_MS })
    const stop = (): void => batch.stop()
    signal?.addEventListener('abort', stop, { once: true })
    let received = 0
    try {
      for await (const message of batch) {
        received += 1
        yield message
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      batch.stop()
    }
    if (received === 0) yield 'idle'
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

async function openConsumer(
  connection: NatsConnection,
  stream: string,
  from: number,
  subjects: readonly string[],
): Promise<Consumer> {
  const manager = await connection.jetstreamManager()
  const info = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, from),
    inactive_threshold: nanos(INACTIVE_THRESHOLD_MS),
    mem_storage: true,
    num_replicas: 1,
    ...(subjects.length > 0 ? { filter_subjects: [...subjects] } : {}),
  })
  return await connection.jetstream().consumers.get(stream, info.name)
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
  }
}

function holeFailure(stream: string, sequence: number): Failure {
  return new Failure(
    4,
    `Stream ${stream} does not hold its message ${sequence}: messages were removed from the log, which must stay whole; ` +
      `put the stream back from a copy, or begin a new epoch with publish --new-epoch.`,
  )
}
