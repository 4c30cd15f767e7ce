import { type JetStreamManager, type NatsConnection, type StoredMsg } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { parseStreamSequence } from '../contracts/positions.ts'
import { type ControlKind, controlSubject, streamName } from '../contracts/subjects.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER } from '../contracts/wire/headers.ts'
import type { Control } from '../contracts/wire/message.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../infra/nats/api-code.ts'
import type { WaitOut } from '../infra/nats/outage.ts'
import { NotYetHeld, readStream } from '../infra/nats/stream-leader.ts'
import { type LogMessage, readLog } from '../infra/nats/read-log.ts'
import { firstMissing } from './assert-whole-epoch.ts'
import type { LogState } from './decide-publication.ts'
import { type Stored, type StoredControls, storedReadings } from './stored-readings.ts'

/** For a server that does not tell its time; those that are let in all do. */
const FAR_FUTURE = '9999-01-01T00:00:00Z'

export interface LogReading {
  readonly connection: NatsConnection
  readonly waitOut: WaitOut
  readonly prefix: string
  readonly maxOutageMs: number
  readonly signal: AbortSignal
}

/**
 * Reads what a service's stream holds of its newest epoch, from the stream's leader.
 * @throws Failure 4 where there is no such stream, or it is not Scission's.
 */
export async function readLogState(reading: LogReading, service: string): Promise<LogState> {
  const stream = streamName(reading.prefix, service)
  const { created, ...end } = await reading.waitOut(async (manager) => await streamEnd(manager, stream))
  const { lastSequence } = end
  const log = { service, streamCreated: created, ...end }
  if (lastSequence === 0) return { ...log, ...NO_EPOCH }
  const last = await reading.waitOut(
    async (manager, isSure) => await lastNumber(manager, stream, lastSequence, isSure || end.replicas === 1),
  )
  if (last === null) return { ...log, ...NO_EPOCH, epochSequence: lastSequence + 1, missing: lastSequence }
  const { epoch, number } = last
  const begun = await lastControl(reading, service, 'epoch', epoch)
  const epochSequence = begun?.sequence ?? lastSequence - number + 1
  const missing = await reading.waitOut(async (manager) => await firstMissing(manager, stream, epochSequence))
  const stored = await readControlsOfReadings(reading, service, begun?.sequence ?? null)
  const manifest = await lastControl(reading, service, 'manifest', epoch)
  const lastAttempt = Math.max(0, ...stored.attempts.map(({ sequence }) => sequence))
  return {
    ...log,
    epoch,
    lastNumber: number,
    epochSequence,
    missing,
    begun: begun && {
      systemId: begun.control.systemId,
      timeline: begun.control.timeline,
      database: begun.control.database,
      slotName: begun.control.slot?.name ?? null,
      consistentPoint: begun.control.slot?.consistentPoint ?? null,
    },
    // A manifest before a later attempt closed the readings before it, not this one.
    closed:
      manifest !== null && manifest.sequence > lastAttempt
        ? {
            consistencyPoint: manifest.control.consistencyPoint,
            entities: manifest.control.entities.map(({ entity }) => entity),
          }
        : null,
    readings: storedReadings(stored),
  }
}

const NO_EPOCH = {
  epoch: 0,
  lastNumber: 0,
  epochSequence: 1,
  missing: null,
  begun: null,
  closed: null,
  readings: new Map<string, never>(),
}

type StreamEnd = Pick<LogState, 'lastSequence' | 'quietMs' | 'replicas'> & { readonly created: string }

async function streamEnd(manager: JetStreamManager, stream: string): Promise<StreamEnd> {
  try {
    const { config, created, state, ts } = await readStream(manager, stream)
    const quietMs = state.last_seq === 0 ? null : Date.parse(ts ?? FAR_FUTURE) - Date.parse(state.last_ts)
    return { created, replicas: config.num_replicas, lastSequence: state.last_seq, quietMs }
  } catch (error) {
    if (apiCode(error) !== NO_STREAM) throw error
    throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause: error })
  }
}

async function lastNumber(
  manager: JetStreamManager,
  stream: string,
  sequence: number,
  isSure: boolean,
): Promise<{ readonly epoch: number; readonly number: number } | null> {
  const last = await storedMessage(manager, stream, { seq: sequence })
  if (last === null && !isSure) throw new NotYetHeld('A replicated stream lacks its last message')
  if (last === null) return null
  const [epoch, number] = [Number(last.header.get(EPOCH_HEADER)), Number(last.header.get(NUMBER_HEADER))]
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(number) && epoch > 0 && number > 0) return { epoch, number }
  throw new Failure(
    4,
    `The last message of stream ${stream} was not written by Scission: give this deployment a prefix of its own (SCISSION_PREFIX).`,
  )
}

type Found<Kind extends ControlKind> = Stored<Extract<Control, { control: Kind }>>

async function lastControl<Kind extends ControlKind>(
  { prefix, waitOut }: LogReading,
  service: string,
  kind: Kind,
  epoch: number,
): Promise<Found<Kind> | null> {
  const last = { last_by_subj: controlSubject(prefix, service, kind) }
  const message = await waitOut(async (manager) => await storedMessage(manager, streamName(prefix, service), last))
  if (message === null) return null
  const control = decodeControl(message.data, kind)
  return control.epoch === epoch ? { sequence: message.seq, control } : null
}

async function storedMessage(
  manager: JetStreamManager,
  stream: string,
  query: { readonly seq: number } | { readonly last_by_subj: string },
): Promise<StoredMsg | null> {
  try {
    return await manager.streams.getMessage(stream, query)
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}

function decodeControl<Kind extends ControlKind>(payload: Uint8Array, kind: Kind): Extract<Control, { control: Kind }> {
  const message = decodeMessage(payload)
  if (message.kind !== 'control' || message.control !== kind) throw new Error(`Expected control.${kind}`)
  // The discriminant was compared just above; the compiler does not narrow by a type parameter.
  return message as Extract<Control, { control: Kind }>
}

async function readControlsOfReadings(
  reading: LogReading,
  service: string,
  from: number | null,
): Promise<StoredControls> {
  if (from === null) return { attempts: [], chunks: [], completes: [] }
  // One after the other, and each by its own subject: of several, a broker finds the next in a compressed stream slowly.
  const attempts = await readControls(reading, service, 'attempt', from)
  const chunks = await readControls(reading, service, 'chunk', from)
  return { attempts, chunks, completes: await readControls(reading, service, 'complete', from) }
}

async function readControls<Kind extends ControlKind>(
  reading: LogReading,
  service: string,
  kind: Kind,
  from: number,
): Promise<Found<Kind>[]> {
  const subject = controlSubject(reading.prefix, service, kind)
  const found: Found<Kind>[] = []
  for await (const { sequence, payload } of readSubject(reading, service, subject, from))
    found.push({ sequence, control: decodeControl(payload, kind) })
  return found
}

/** The messages of one subject that a stream holds now, from a sequence on. */
export async function* readSubject(
  { connection, maxOutageMs, prefix, signal, waitOut }: LogReading,
  service: string,
  subject: string,
  from: number,
): AsyncGenerator<LogMessage> {
  const stream = streamName(prefix, service)
  const last = await waitOut(async (manager) => await storedMessage(manager, stream, { last_by_subj: subject }))
  if (last === null || last.seq < from) return
  const options = { from: parseStreamSequence(from), subjects: [subject], maxOutageMs, signal, waitOut }
  for await (const item of readLog(connection, stream, options)) {
    if (item.kind === 'idle') continue
    yield item
    if (item.sequence >= last.seq) return
  }
  signal.throwIfAborted()
}
