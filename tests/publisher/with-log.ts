import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager, NatsConnection } from 'nats'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { parseStreamSequence } from '../../contracts/positions.ts'
import { serviceSubjects, streamName } from '../../contracts/subjects.ts'
import { type ByteWindow, createByteWindow } from '../../infra/byte-window.ts'
import { connectNats, withNats } from '../../infra/nats/connect.ts'
import { createWaitOut } from '../../infra/nats/outage.ts'
import { type LogMessage, readLog } from '../../infra/nats/read-log.ts'
import { createLogWriter, type LogWriter } from '../../publisher/log-writer.ts'
import { uniquePrefix } from '../with-servers.ts'

/** A stream of a test's own, with what a writer of it needs. */
export interface TestLog {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly prefix: string
  readonly stream: string
  /** A subject of the stream. */
  readonly subject: string
  /** What was told of outages. */
  readonly notices: string[]
  /** Why writers failed, one reason for each that did. */
  readonly failures: unknown[]
  writer(options?: WriterOptions): Promise<TestWriter>
  /** All that the stream holds. */
  read(): Promise<LogMessage[]>
}

export interface WriterOptions {
  readonly id?: string
  readonly window?: ByteWindow
  readonly maxOutageMs?: number
  readonly signal?: AbortSignal
  readonly maxPayloadBytes?: number
  /** In place of the log's own. */
  readonly connection?: NatsConnection
}

export interface TestWriter extends LogWriter {
  readonly id: string
}

const SERVICE = 'till'

/**
 * @param settings of the stream, beside its name and subjects.
 * @param directUrl leads to the broker where `url` may not, at the end.
 */
export async function withLog<Result>(
  url: string,
  settings: object,
  use: (log: TestLog) => Promise<Result>,
  directUrl = url,
): Promise<Result> {
  const prefix = uniquePrefix()
  const stream = streamName(prefix, SERVICE)
  const connection = await connectNats({ url, credentialsFile: null, caFile: null }, 'test')
  try {
    const manager = await connection.jetstreamManager()
    await manager.streams.add({ name: stream, subjects: [serviceSubjects(prefix, SERVICE)], ...settings })
    const notices: string[] = []
    const failures: unknown[] = []
    const log = {
      connection,
      manager,
      prefix,
      stream,
      notices,
      failures,
      subject: `${prefix}.${SERVICE}.snapshot.Sale`,
    }
    try {
      return await use({
        ...log,
        writer: async (options = {}) => await makeWriter(log, options),
        read: async () => await readAll(connection, manager, stream),
      })
    } finally {
      await removeStream(directUrl, stream).catch(() => undefined)
    }
  } finally {
    await connection.close()
  }
}

async function removeStream(url: string, stream: string): Promise<void> {
  await withNats({ url, credentialsFile: null, caFile: null }, 'test', async (connection) => {
    await (await connection.jetstreamManager()).streams.delete(stream)
  })
}

async function makeWriter(
  { stream, notices, failures, ...log }: Omit<TestLog, 'writer' | 'read'>,
  options: WriterOptions,
): Promise<TestWriter> {
  const { maxOutageMs = 30_000, signal = new AbortController().signal, id = randomUUID() } = options
  const { connection = log.connection } = options
  const notice = (text: string): void => void notices.push(text)
  const waitOut = createWaitOut(connection, { maxOutageMs, notice, signal })
  const { config, created, state } = await waitOut(async (manager) => await manager.streams.info(stream))
  const writer = createLogWriter({
    connection,
    stream,
    streamCreated: created,
    replicas: config.num_replicas,
    writerId: id,
    traceParent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    epoch: 1,
    lastSequence: state.last_seq,
    lastNumber: state.last_seq,
    maxPayloadBytes: options.maxPayloadBytes ?? connection.info?.max_payload ?? 0,
    window: options.window ?? createByteWindow(1024 * 1024),
    waitOut,
    maxOutageMs,
    notice,
    failed: (reason) => void failures.push(reason),
    signal,
  })
  return {
    id,
    append: async (subject, payload, identity, stored) => await writer.append(subject, payload, identity, stored),
    flush: async () => await writer.flush(),
  }
}

async function readAll(connection: NatsConnection, manager: JetStreamManager, stream: string): Promise<LogMessage[]> {
  const { last_seq: last } = (await manager.streams.info(stream)).state
  const messages: LogMessage[] = []
  if (last === 0) return messages
  for await (const item of readLog(connection, stream, { from: parseStreamSequence(1) })) {
    if (item.kind === 'message') messages.push(item)
    if (messages.length === last) break
  }
  return messages
}

/** Appends payloads whose text tells their place. */
export async function appendTexts(writer: LogWriter, { subject }: TestLog, texts: readonly string[]): Promise<void> {
  for (const text of texts) await writer.append(subject, Buffer.from(text), text)
}

/** Appends, and returns when all is stored. */
export async function write(writer: LogWriter, log: TestLog, texts: readonly string[]): Promise<void> {
  await appendTexts(writer, log, texts)
  await writer.flush()
}

export function textsOf(messages: readonly LogMessage[]): string[] {
  return messages.map(({ payload }) => Buffer.from(payload).toString())
}

/** Each message has the next number, whoever wrote it. */
export function assertDense(messages: readonly LogMessage[]): void {
  assert.equal(
    messages.map(({ number }) => number),
    messages.map((_, index) => index + 1),
  )
}

export function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`)
}

/** The failure that the action ends with. */
export async function failureOf(action: Promise<unknown>): Promise<Failure> {
  const error: unknown = await action.then(
    () => new Error('It did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof Failure) return error
  throw error
}

/** @throws Error where the action has not ended in time. */
export async function inTime<Result>(limitMs: number, action: Promise<Result>): Promise<Result> {
  const late = sleep(limitMs, undefined, { ref: false }).then(() => {
    throw new Error(`It has not ended in ${limitMs} ms`)
  })
  return await Promise.race([action, late])
}
