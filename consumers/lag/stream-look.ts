import type { JetStreamManager } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import { controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { EntityTotals } from '../../contracts/wire/message.ts'
import type { Age } from '../../infra/following/log-lag.ts'
import { apiCode, NO_MESSAGE, NO_STREAM } from '../../infra/nats/api-code.ts'
import { readStream } from '../../infra/nats/stream-leader.ts'

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
  /** How old the first message is behind a sequence; nothing where there is none. */
  readonly ageBehind: (manager: JetStreamManager, sequence: number, isLoading: boolean, nowMs: number) => Promise<Age>
  /** What the manifest counts of an epoch; null where there is none of it yet. */
  readonly readTotals: (manager: JetStreamManager, epoch: number) => Promise<readonly EntityTotals[] | null>
}

/** While a service loads, its next messages are pages of up to a megabyte: one is read so seldom, and is older than the next. */
const LOADING_LOOK_MS = 5_000
const LEVEL: Age = { seconds: 0, bound: 'exact' }

interface Birth {
  readonly sequence: number
  readonly bornMs: number
  readonly readAtMs: number
}

export function createStreamLook(prefix: string, service: string): StreamLook {
  const stream = streamName(prefix, service)
  let seen = { created: '', lastSequence: 0, births: [] as Birth[], totals: new Map<number, readonly EntityTotals[]>() }
  return {
    readEnd: async (manager) => {
      const { created, state } = await readStream(manager, stream).catch((cause: unknown) => {
        if (apiCode(cause) !== NO_STREAM) throw cause
        throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
      })
      if (created !== seen.created || state.last_seq < seen.lastSequence)
        seen = { created, lastSequence: 0, births: [], totals: new Map() }
      seen.lastSequence = state.last_seq
      return { lastSequence: state.last_seq, messages: state.messages, bytes: state.bytes }
    },
    ageBehind: async (manager, sequence, isLoading, nowMs) => {
      if (sequence >= seen.lastSequence) return LEVEL
      const known = knownBirth(seen.births, sequence + 1, isLoading, performance.now())
      const birth = known ?? (await readBirth(manager, stream, sequence + 1))
      if (birth === null) return LEVEL
      // Those of the two places at which a service is: what it has read, and what it has applied.
      if (known === null) seen.births = [...seen.births.slice(-1), birth]
      const seconds = Math.max(0, (nowMs - birth.bornMs) / 1_000)
      return { seconds, bound: birth.sequence === sequence + 1 ? 'exact' : 'at most' }
    },
    readTotals: async (manager, epoch) => {
      const known = seen.totals.get(epoch)
      if (known !== undefined) return known
      const totals = await readManifest(manager, prefix, service, epoch)
      if (totals !== null) seen.totals.set(epoch, totals)
      return totals
    },
  }
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
    const message = decodeMessage(data)
    const committedAt = message.kind === 'change' ? message.runs[0]?.committedAt : undefined
    const bornMs = committedAt === undefined ? time.getTime() : committedAt / 1_000
    return { sequence, bornMs, readAtMs: performance.now() }
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}

async function readManifest(
  manager: JetStreamManager,
  prefix: string,
  service: string,
  epoch: number,
): Promise<readonly EntityTotals[] | null> {
  try {
    const subject = controlSubject(prefix, service, 'manifest')
    const { data } = await manager.streams.getMessage(streamName(prefix, service), { last_by_subj: subject })
    const message = decodeMessage(data)
    return message.kind === 'control' && message.control === 'manifest' && message.epoch === epoch
      ? message.entities
      : null
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
