import { type JetStreamManager, type NatsConnection, NatsError, type StoredMsg } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { parseStreamSequence } from '../contracts/positions.ts'
import { type ControlKind, controlSubject, streamName } from '../contracts/subjects.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER } from '../contracts/wire/headers.ts'
import type { Control } from '../contracts/wire/message.ts'
import { readLog } from '../infra/nats/read-log.ts'
import type { LogState } from './decide-publication.ts'

const NO_MESSAGE = '404'
const NO_STREAM = 10059

/**
 * Reads what a service's stream holds of its newest epoch, from the stream's leader.
 * @throws Failure 4 where there is no such stream.
 */
export async function readLogState(connection: NatsConnection, prefix: string, service: string): Promise<LogState> {
  const manager = await connection.jetstreamManager()
  const stream = streamName(prefix, service)
  const lastSequence = await lastSequenceOf(manager, stream)
  if (lastSequence === 0) return emptyLog(service)
  const last = await manager.streams.getMessage(stream, { seq: lastSequence })
  const epoch = Number(last.header.get(EPOCH_HEADER))
  const lastNumber = Number(last.header.get(NUMBER_HEADER))
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(lastNumber) || epoch < 1 || lastNumber < 1)
    throw new Failure(
      4,
      `The last message of stream ${stream} was not written by Scission: give this deployment a prefix of its own (SCISSION_PREFIX).`,
    )
  const begun = await lastControl(manager, stream, controlSubject(prefix, service, 'epoch'), 'epoch', epoch)
  const attempts = begun === null ? [] : await readAttempts(connection, manager, prefix, service, begun.sequence)
  const manifest = await lastControl(manager, stream, controlSubject(prefix, service, 'manifest'), 'manifest', epoch)
  const lastAttempt = Math.max(0, ...attempts.map(({ sequence }) => sequence))
  return {
    service,
    lastSequence,
    epoch,
    lastNumber,
    begun: begun && {
      systemId: begun.control.systemId,
      slotName: begun.control.slot?.name ?? null,
      consistentPoint: begun.control.slot?.consistentPoint ?? null,
    },
    // A manifest before a later attempt closed the readings before it, not this one.
    closed:
      manifest !== null && manifest.sequence > lastAttempt
        ? { consistencyPoint: manifest.control.consistencyPoint }
        : null,
    attempts: highestAttempts(attempts),
  }
}

function emptyLog(service: string): LogState {
  return { service, lastSequence: 0, epoch: 0, lastNumber: 0, begun: null, closed: null, attempts: new Map() }
}

async function lastSequenceOf(manager: JetStreamManager, stream: string): Promise<number> {
  try {
    return (await manager.streams.info(stream)).state.last_seq
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === NO_STREAM)
      throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause: error })
    throw error
  }
}

interface Found<Kind extends ControlKind> {
  readonly sequence: number
  readonly control: Extract<Control, { control: Kind }>
}

async function lastControl<Kind extends ControlKind>(
  manager: JetStreamManager,
  stream: string,
  subject: string,
  kind: Kind,
  epoch: number,
): Promise<Found<Kind> | null> {
  const message = await lastOfSubject(manager, stream, subject)
  if (message === null) return null
  const control = decodeControl(message.data, kind)
  return control.epoch === epoch ? { sequence: message.seq, control } : null
}

async function lastOfSubject(manager: JetStreamManager, stream: string, subject: string): Promise<StoredMsg | null> {
  try {
    return await manager.streams.getMessage(stream, { last_by_subj: subject })
  } catch (error) {
    if (error instanceof NatsError && error.code === NO_MESSAGE) return null
    throw error
  }
}

function decodeControl<Kind extends ControlKind>(payload: Uint8Array, kind: Kind): Extract<Control, { control: Kind }> {
  const message = decodeMessage(payload)
  if (message.kind !== 'control' || message.control !== kind) throw new Error(`Expected control.${kind}`)
  // The discriminant was compared just above; the compiler does not narrow by a type parameter.
  return message as Extract<Control, { control: Kind }>
}

async function readAttempts(
  connection: NatsConnection,
  manager: JetStreamManager,
  prefix: string,
  service: string,
  from: number,
): Promise<Found<'attempt'>[]> {
  const stream = streamName(prefix, service)
  const subject = controlSubject(prefix, service, 'attempt')
  const last = await lastOfSubject(manager, stream, subject)
  if (last === null || last.seq < from) return []
  const found: Found<'attempt'>[] = []
  for await (const item of readLog(connection, stream, { from: parseStreamSequence(from), subjects: [subject] })) {
    if (item.kind === 'idle') continue
    found.push({ sequence: item.sequence, control: decodeControl(item.payload, 'attempt') })
    if (item.sequence >= last.seq) break
  }
  return found
}

function highestAttempts(attempts: readonly Found<'attempt'>[]): Map<string, number> {
  const highest = new Map<string, number>()
  for (const { control } of attempts)
    highest.set(control.entity, Math.max(control.attempt, highest.get(control.entity) ?? 0))
  return highest
}
