import type { JetStreamManager } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { Control, EntityTotals, Message } from '../../contracts/wire/message.ts'
import { WireError } from '../../contracts/wire/wire-error.ts'
import { type Age, NOTHING_TELLS } from '../../infra/following/log-lag.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../../infra/nats/api-code.ts'
import { readStream } from '../../infra/nats/stream-leader.ts'

/** The epoch that a stream has last, and where it begins there. */
export interface StreamEpoch {
  readonly sequence: number
  readonly epoch: number
  readonly startedAt: string
}

/** Where a service's stream ends. */
export interface StreamEnd {
  readonly lastSequence: number
  readonly messages: number
  readonly bytes: number
}

/** Looks at one service's stream again and again, and asks nothing twice that stays as it is. */
export interface StreamLook {
  /** @throws Failure 4 where there is no stream. */
  readonly readEnd: (manager: JetStreamManager) => Promise<StreamEnd>
  /** The stream's last epoch; null where it has none. @param known what is read again only where it is another one. */
  readonly readEpoch: (manager: JetStreamManager, known: number) => Promise<StreamEpoch | null>
  /** How old the first message is behind a sequence: level where the stream ends there. */
  readonly ageBehind: (manager: JetStreamManager, sequence: number, isLoading: boolean, nowMs: number) => Promise<Age>
  /**
   * What the manifest counts of an epoch; null where there is none of it yet.
   * @param attempts of the tables: a manifest that counts older ones is of before they were read anew.
   */
  readonly readTotals: (
    manager: JetStreamManager,
    epoch: number,
    attempts: ReadonlyMap<string, number>,
  ) => Promise<readonly EntityTotals[] | null>
}

/** While a service loads, its next messages are pages of up to a megabyte: one is read so seldom, and is older than the next. */
const LOADING_LOOK_MS = 5_000
const LEVEL: Age = { seconds: 0, bound: 'exact' }

/** Nothing is asked for again of what a stream keeps, as long as it is this stream. */
interface Seen {
  readonly created: string
  lastSequence: number
  births: Birth[]
  epoch: StreamEpoch | null
  totals: { readonly epoch: number; readonly counted: readonly EntityTotals[] } | null
}

const nothingSeen = (created: string): Seen => ({ created, lastSequence: 0, births: [], epoch: null, totals: null })

interface Birth {
  readonly sequence: number
  readonly bornMs: number
  /** Whether it may be older: only when it was stored is told. */
  readonly isStoredTime: boolean
  readonly readAtMs: number
}

export function createStreamLook(prefix: string, service: string): StreamLook {
  const stream = streamName(prefix, service)
  let seen = nothingSeen('')
  return {
    readEnd: async (manager) => {
      const { created, state } = await readStream(manager, stream).catch((cause: unknown) => {
        if (apiCode(cause) !== NO_STREAM) throw cause
        throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
      })
      if (created !== seen.created || state.last_seq < seen.lastSequence) seen = nothingSeen(created)
      seen.lastSequence = state.last_seq
      return { lastSequence: state.last_seq, messages: state.messages, bytes: state.bytes }
    },
    readEpoch: async (manager, known) => {
      if (seen.epoch?.epoch !== known) seen.epoch = await readLastEpoch(manager, prefix, service)
      return seen.epoch
    },
    ageBehind: async (manager, sequence, isLoading, nowMs) => {
      if (sequence >= seen.lastSequence) return LEVEL
      const known = knownBirth(seen.births, sequence + 1, isLoading, performance.now())
      const birth = known ?? (await readBirth(manager, stream, sequence + 1))
      // Behind it is something, which is gone.
      if (birth === null) return NOTHING_TELLS
      // Those of the two places at which a service is: what it has read, and what it has applied.
      if (known === null) seen.births = [...seen.births.slice(-1), birth]
      const seconds = Math.max(0, (nowMs - birth.bornMs) / 1_000)
      if (birth.isStoredTime) return { seconds, bound: 'at least' }
      return { seconds, bound: birth.sequence === sequence + 1 ? 'exact' : 'at most' }
    },
    readTotals: async (manager, epoch, attempts) => {
      if (seen.totals?.epoch === epoch && isOfAttempts(seen.totals.counted, attempts)) return seen.totals.counted
      const counted = await readManifest(manager, prefix, service, epoch)
      seen.totals = counted === null ? null : { epoch, counted }
      return counted !== null && isOfAttempts(counted, attempts) ? counted : null
    },
  }
}

function isOfAttempts(totals: readonly EntityTotals[], attempts: ReadonlyMap<string, number>): boolean {
  return totals.every(({ attempt, entity }) => attempt >= (attempts.get(entity) ?? 0))
}

/** One of the message itself; while the service loads one of a message before it that was read a moment ago. */
function knownBirth(births: readonly Birth[], sequence: number, isLoading: boolean, nowMs: number): Birth | null {
  const itself = births.find((birth) => birth.sequence === sequence)
  if (itself !== undefined || !isLoading) return itself ?? null
  const before = births.filter((birth) => birth.sequence < sequence && nowMs - birth.readAtMs < LOADING_LOOK_MS)
  return before.toSorted((one, other) => other.sequence - one.sequence)[0] ?? null
}

/** When the change was committed with which a message begins, or else when the message was stored. */
async function readBirth(manager: JetStreamManager, stream: string, sequence: number): Promise<Birth | null> {
  try {
    const { data, time } = await manager.streams.getMessage(stream, { seq: sequence })
    return { sequence, ...bornOf(data, time), readAtMs: performance.now() }
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}

/** Of a part, or of what nobody can read, the commit's time is not known: the consumer says what is wrong with it. */
function bornOf(data: Uint8Array, stored: Date): Pick<Birth, 'bornMs' | 'isStoredTime'> {
  const message = decodedOrNull(data)
  const committedAt = message?.kind === 'change' ? message.runs[0]?.committedAt : undefined
  if (committedAt !== undefined) return { bornMs: committedAt / 1_000, isStoredTime: false }
  return { bornMs: stored.getTime(), isStoredTime: message === null || message.kind === 'part' }
}

function decodedOrNull(data: Uint8Array): Message | null {
  try {
    return decodeMessage(data)
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}

async function readLastEpoch(manager: JetStreamManager, prefix: string, service: string): Promise<StreamEpoch | null> {
  const found = await readControl(manager, prefix, service, 'epoch')
  if (found === null || found.message.control !== 'epoch') return null
  const { epoch, startedAt } = found.message
  return { sequence: found.sequence, epoch, startedAt }
}

async function readManifest(
  manager: JetStreamManager,
  prefix: string,
  service: string,
  epoch: number,
): Promise<readonly EntityTotals[] | null> {
  const message = (await readControl(manager, prefix, service, 'manifest'))?.message
  return message?.control === 'manifest' && message.epoch === epoch ? message.entities : null
}

async function readControl(
  manager: JetStreamManager,
  prefix: string,
  service: string,
  kind: Control['control'],
): Promise<{ readonly sequence: number; readonly message: Control } | null> {
  try {
    const subject = controlSubject(prefix, service, kind)
    const { data, seq } = await manager.streams.getMessage(streamName(prefix, service), { last_by_subj: subject })
    const message = decodedOrNull(data)
    return message?.kind === 'control' ? { sequence: seq, message } : null
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
