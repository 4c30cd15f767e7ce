import type { JetStreamManager, StoredMsg, StreamInfo } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { parseStreamSequence, type StreamSequence } from '../contracts/positions.ts'
import { type ControlKind, controlSubject, streamName } from '../contracts/subjects.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../contracts/wire/headers.ts'
import type { Control, EpochControl } from '../contracts/wire/message.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../infra/nats/api-code.ts'
import type { WaitOut } from '../infra/nats/outage.ts'
import { assertSure, readStream } from '../infra/nats/stream-leader.ts'
import type { Numbered } from './log-order.ts'
import type { Checkpoint } from './service-state.ts'

/** Where a run begins to read a service's log. */
export interface Beginning {
  /** The first message to read; all before it are applied or void. */
  readonly from: StreamSequence
  /** The message that it must follow; null where an epoch is to begin. */
  readonly previous: Numbered | null
  /** Attempts that the log is known to announce further on. */
  readonly announced: ReadonlyMap<string, number>
  /** Whether the log holds a later epoch or attempt, so that what is loaded now need not be finished. */
  readonly isOvertaken: boolean
}

export interface ServiceLog {
  /** Asks the broker, and waits while it is away. */
  readonly ask: WaitOut
  readonly prefix: string
  readonly service: string
}

const NEW_EPOCH = 'begin a new epoch with publish --new-epoch'

/**
 * Finds it by what the log holds now: a newer epoch is read from its first message, whatever happened before it, since
 * that makes all of it void; otherwise the reading goes on behind the checkpoint's stream sequence, which is a hint
 * that is checked here.
 * @throws Failure 4 where there is no stream, or the log is older than the service, or another one.
 */
export async function findBeginning(log: ServiceLog, checkpoint: Checkpoint): Promise<Beginning> {
  return await log.ask(async (manager, isSure) => await findIn(manager, log, checkpoint, isSure))
}

async function findIn(
  manager: JetStreamManager,
  log: ServiceLog,
  checkpoint: Checkpoint,
  isSure: boolean,
): Promise<Beginning> {
  const info = await readLogStream(manager, streamName(log.prefix, log.service))
  const lastSequence = info.state.last_seq
  const assertLacking = (): void => assertSure(info, isSure)
  const newest = await lastControl(manager, log, 'epoch')
  if (newest === null && checkpoint.epoch === 0)
    return { from: parseStreamSequence(1), previous: null, announced: new Map(), isOvertaken: false }
  if (newest === null || newest.control.epoch < checkpoint.epoch) {
    assertLacking()
    throw newest === null && lastSequence >= checkpoint.streamSequence
      ? removedFailure(log, checkpoint, lastSequence)
      : olderFailure(log, checkpoint, newest)
  }
  if (newest.control.epoch > checkpoint.epoch) {
    const attempts = new Map([...checkpoint.attempts.keys()].map((entity) => [entity, 0]))
    const announced = new Map(await laterAttempt(manager, log, { epoch: newest.control.epoch, attempts }))
    return { from: newest.sequence, previous: null, announced, isOvertaken: true }
  }
  assertSameLog(log, checkpoint, newest.control)
  const later = await laterAttempt(manager, log, checkpoint)
  const hinted = await readHinted(manager, { log, lastSequence, first: newest.sequence, assertLacking }, checkpoint)
  const isReplaced = hinted === 'replaced'
  return {
    from: isReplaced ? newest.sequence : parseStreamSequence(checkpoint.streamSequence + 1),
    previous: isReplaced ? null : hinted,
    announced: new Map(later),
    isOvertaken: later.length > 0,
  }
}

async function readLogStream(manager: JetStreamManager, stream: string): Promise<StreamInfo> {
  try {
    return await readStream(manager, stream)
  } catch (cause) {
    if (apiCode(cause) === NO_STREAM)
      throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
    throw cause
  }
}

function assertSameLog({ service }: ServiceLog, checkpoint: Checkpoint, { startedAt }: EpochControl): void {
  if (startedAt === checkpoint.epochStartedAt) return
  throw new Failure(
    4,
    `Service ${service} was loaded from another log, whose epoch ${checkpoint.epoch} began at ${checkpoint.epochStartedAt}, and this one's at ${startedAt}: correct NATS_URL or SCISSION_PREFIX, or ${NEW_EPOCH}.`,
  )
}

/** A run of the publisher announces all its attempts before its pages, so that the last one says enough. */
async function laterAttempt(
  manager: JetStreamManager,
  log: ServiceLog,
  { epoch, attempts }: Pick<Checkpoint, 'epoch' | 'attempts'>,
): Promise<[string, number][]> {
  const last = await lastControl(manager, log, 'attempt')
  if (last === null || last.control.epoch !== epoch) return []
  const { entity, attempt } = last.control
  return attempt > (attempts.get(entity) ?? attempt) ? [[entity, attempt]] : []
}

interface Place {
  readonly log: ServiceLog
  readonly lastSequence: number
  /** The epoch's first message. */
  readonly first: number
  /** Lets pass only what a stream lacks for sure. */
  readonly assertLacking: () => void
}

/**
 * The message at the checkpoint's stream sequence must be the one that was applied. Where it is another one, or none, the
 * broker came back with an older store: a service that follows reads the epoch from its beginning, since the ledger and the
 * position tell what is applied already; one that loads cannot tell.
 */
async function readHinted(
  manager: JetStreamManager,
  { log, lastSequence, first, assertLacking }: Place,
  checkpoint: Checkpoint,
): Promise<Numbered | 'replaced' | null> {
  const { phase, streamSequence: sequence, writer } = checkpoint
  if (sequence < first) return null
  if (sequence > lastSequence) {
    assertLacking()
    if (phase === 'following') return 'replaced'
    throw olderFailure(log, checkpoint, null)
  }
  const stream = streamName(log.prefix, log.service)
  const message = await getMessage(manager, stream, { seq: sequence })
  if (message === null) {
    assertLacking()
    throw new Failure(
      4,
      `Stream ${stream} does not hold its message ${sequence}, which service ${log.service} has applied: put the stream back from a copy, or ${NEW_EPOCH}.`,
    )
  }
  const found = message.header.get(WRITER_HEADER)
  if (found !== writer && phase === 'following') return 'replaced'
  if (found !== writer) throw olderFailure(log, checkpoint, null)
  return {
    sequence,
    epoch: Number(message.header.get(EPOCH_HEADER)),
    number: Number(message.header.get(NUMBER_HEADER)),
  }
}

interface Found<Kind extends ControlKind> {
  readonly sequence: StreamSequence
  readonly control: Extract<Control, { control: Kind }>
}

async function lastControl<Kind extends ControlKind>(
  manager: JetStreamManager,
  { prefix, service }: ServiceLog,
  kind: Kind,
): Promise<Found<Kind> | null> {
  const stream = streamName(prefix, service)
  const message = await getMessage(manager, stream, { last_by_subj: controlSubject(prefix, service, kind) })
  if (message === null) return null
  const control = decodeMessage(message.data)
  if (control.kind !== 'control' || control.control !== kind)
    throw new Failure(
      4,
      `Message ${message.seq} of stream ${stream} has the subject of ${kind}, and is none: find out who else writes to it, and ${NEW_EPOCH}.`,
    )
  // The comparison has narrowed it, which the compiler does not follow through a type parameter.
  return { sequence: parseStreamSequence(message.seq), control: control as Found<Kind>['control'] }
}

async function getMessage(
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

function removedFailure({ prefix, service }: ServiceLog, { epoch }: Checkpoint, lastSequence: number): Failure {
  return new Failure(
    4,
    `Stream ${streamName(prefix, service)} goes up to message ${lastSequence} and does not hold the beginning of epoch ${epoch}: messages were removed from the log, which must stay whole; put the stream back from a copy, or ${NEW_EPOCH}.`,
  )
}

function olderFailure(
  { prefix, service }: ServiceLog,
  { epoch, streamSequence }: Checkpoint,
  newest: Found<'epoch'> | null,
): Failure {
  const held = newest === null ? '' : `, and its newest epoch is ${newest.control.epoch}`
  return new Failure(
    4,
    `Service ${service} has applied message ${streamSequence} of epoch ${epoch}, which stream ${streamName(prefix, service)} does not hold${held}: the broker came back with an older store, or was made anew; correct NATS_URL, or ${NEW_EPOCH}.`,
  )
}
