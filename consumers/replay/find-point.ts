import type { NatsConnection } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { parseLsn, parseStreamSequence, type StreamSequence } from '../../contracts/positions.ts'
import { changeSubjects, controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import { decodeLongRun } from '../../contracts/wire/long-run.ts'
import type { Message } from '../../contracts/wire/message.ts'
import { WireError } from '../../contracts/wire/wire-error.ts'
import { type LogMessage, readLog } from '../../infra/nats/read-log.ts'
import { lastMessage } from '../../infra/verify/last-message.ts'
import { PartCollector } from '../collect-parts.ts'
import { type Bound, decidePoint, EMPTY_PREFIX, extendPrefix, type FoundPoint, type Prefix } from './decide-point.ts'
import { closedControls, type ControlsRead, markedPosition, NO_CONTROLS, withControl } from './log-controls.ts'
import type { Point } from './point.ts'

/** A service's log. */
export interface PointLog {
  readonly connection: NatsConnection
  readonly prefix: string
  readonly service: string
  readonly signal?: AbortSignal
}

/** Its newest epoch. */
export interface PointEpoch extends PointLog {
  readonly stream: string
  readonly epoch: number
  readonly startedAt: string
  readonly first: StreamSequence
}

/**
 * Finds where the newest epoch of a service's log is to be cut so that the service is as it was at a point. A time means
 * all transactions before the first one that was committed later; an LSN, all whose commits end at it or before; a
 * marker, all that were committed before it, and of several markers of one name the last. Control messages and changes
 * are read, in two passes, and no pages; nothing of them is kept. Whether the log is whole is not looked at.
 * @throws Failure 4 where the log does not have the service exactly as of that point, or has no closed snapshot.
 */
export async function findPoint(log: PointLog, point: Point): Promise<FoundPoint> {
  const { service } = log
  const epoch = await newestEpoch(log)
  const read = await readControls(epoch, point.kind === 'marker' ? point.name : null)
  const controls = closedControls(service, read)
  const bound: Bound = point.kind === 'marker' ? { kind: 'lsn', lsn: markedPosition(service, point.name, read) } : point
  return decidePoint({ service, point, bound, controls, prefix: await readPrefix(epoch, bound) })
}

/** @throws Failure 4 where there is no stream, or no snapshot in it. */
export async function newestEpoch(log: PointLog): Promise<PointEpoch> {
  const { connection, prefix, service } = log
  const stream = streamName(prefix, service)
  const subject = controlSubject(prefix, service, 'epoch')
  const stored = await lastMessage(await connection.jetstreamManager(), stream, subject)
  if (stored === null)
    throw new Failure(4, `Stream ${stream} holds no snapshot of service ${service} yet: run publish first.`)
  const { epoch, startedAt } = readable(stream, stored.seq, () => epochOf(decodeMessage(stored.data)))
  return { ...log, stream, epoch, startedAt, first: parseStreamSequence(stored.seq) }
}

function epochOf(message: Message): { readonly epoch: number; readonly startedAt: string } {
  if (message.kind !== 'control' || message.control !== 'epoch')
    throw new WireError('It has the subject of an epoch, and is none.')
  return message
}

async function readControls(epoch: PointEpoch, wanted: string | null): Promise<ControlsRead> {
  let read = NO_CONTROLS
  for await (const { message, sequence } of readWhole(epoch, controlSubjects(epoch.prefix, epoch.service)))
    if (message.kind === 'control') read = withControl(read, message, sequence, wanted)
  return read
}

/** All control messages of a service. */
function controlSubjects(prefix: string, service: string): string {
  return controlSubject(prefix, service, 'epoch').replace(/epoch$/, '>')
}

async function readPrefix(epoch: PointEpoch, bound: Bound): Promise<Prefix> {
  let prefix = EMPTY_PREFIX
  for await (const { message, sequence } of readWhole(epoch, changeSubjects(epoch.prefix, epoch.service))) {
    if (message.kind !== 'change') continue
    for (const { committedAt, last, lsn } of message.runs)
      prefix = extendPrefix(prefix, bound, { lsn: parseLsn(lsn), committedAt, last }, sequence)
    if (prefix.endedAt !== null) return prefix
  }
  return prefix
}

interface Read {
  readonly message: Message
  /** Of its last part, where it has several. */
  readonly sequence: number
}

/**
 * The epoch's messages of a subject, up to the last one that the stream has at the beginning, each whole. One subject
 * at a time: of two, a broker finds the next in a compressed stream many times slower.
 */
async function* readWhole(epoch: PointEpoch, subject: string): AsyncGenerator<Read> {
  const { connection, first, signal, stream } = epoch
  const last = await lastMessage(await connection.jetstreamManager(), stream, subject)
  if (last === null || last.seq < first) return
  const parts = new PartCollector()
  const options = { from: first, subjects: [subject], ...(signal && { signal }) }
  for await (const item of readLog(connection, stream, options)) {
    if (item.kind === 'idle') continue
    assertOfEpoch(epoch, item)
    const { sequence } = item
    const message = readable(stream, sequence, () => wholeMessage(parts, item))
    if (message !== null) yield { message, sequence }
    if (sequence >= last.seq) return
  }
  signal?.throwIfAborted()
}

function wholeMessage(parts: PartCollector, item: LogMessage): Message | null {
  parts.enterWriter(item.writer)
  const whole = parts.collect(item)
  return whole === null ? null : (decodeLongRun(whole.payload) ?? decodeMessage(whole.payload))
}

function readable<Result>(stream: string, sequence: number, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new Failure(
      4,
      `Message ${sequence} of stream ${stream} cannot be read (${cause.message.replace(/\.$/, '')}): use the scission that published it, or begin a new epoch with publish --new-epoch.`,
      { cause },
    )
  }
}

function assertOfEpoch({ epoch, stream }: PointEpoch, item: LogMessage): void {
  if (item.epoch === epoch) return
  throw new Failure(
    4,
    `Message ${item.sequence} of stream ${stream} is not of epoch ${epoch}, which was the newest a moment ago: run replay again.`,
  )
}
