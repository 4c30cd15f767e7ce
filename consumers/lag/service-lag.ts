import type { JetStreamManager } from 'nats'
import { type Age, NOTHING_TELLS } from '../../infra/following/log-lag.ts'
import type { UseSession } from '../../infra/postgres/kept-sessions.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import { type HopLag, hopsOf, readTo } from './hops.ts'
import { type ConsumerStatus, judgeConsumer } from './judge-consumer.ts'
import { type LoadingProgress, loadingProgress } from './loading-progress.ts'
import { paceOf, secondsUntil } from './pace.ts'
import { readServiceStanding, type ServiceStanding } from './service-standing.ts'
import { createStreamLook, type StreamEpoch } from './stream-look.ts'

/** How far a service is behind its log. The checkpoint's hint tells it, which a consumer writes every second. */
export interface ServiceLag extends Omit<ServiceStanding, 'entities' | 'samples'> {
  readonly service: string
  readonly status: ConsumerStatus
  readonly lastSequence: number
  /** Whether it reads the stream that there is; else that was made anew, or came back older, and all of it waits. */
  readonly isOfStream: boolean
  readonly messages: number
  /** How many messages it has applied in a second, over the last seconds. */
  readonly messagesPerSecond: number
  /** Of the stream's messages that are not applied, measured by its mean message. */
  readonly bytes: number
  readonly hops: HopLag
  /** When all that the stream has now is applied, at the present pace; null where it comes no nearer. */
  readonly secondsLeft: number | null
  readonly loading: LoadingProgress
}

export interface LagSource {
  readonly prefix: string
  readonly service: string
  /** The tables' names in the contract, in its order. */
  readonly entities: readonly string[]
  readonly database: PostgresTarget
  readonly manager: () => Promise<JetStreamManager>
  readonly use: UseSession
}

/** What is known of the monolith. */
export interface MonolithClock {
  /** How old the oldest change is that is not in the log. */
  readonly toLog: Age
  /** In milliseconds since 1970: commits are told by it. */
  readonly now: () => number
}

/** Asked for where the log does not count the rows yet; null where nothing can tell them. */
export type AskEstimates = () => Promise<ReadonlyMap<string, number> | null>

/** @throws Failure 4 where the service's database is not prepared, or there is no stream. */
export type ReadServiceLag = (clock: MonolithClock, askEstimates: AskEstimates) => Promise<ServiceLag>

/** Looks at one service again and again. */
export function createServiceLagReader({
  database,
  entities: names,
  manager: connect,
  prefix,
  service,
  use,
}: LagSource): ReadServiceLag {
  const stream = createStreamLook(prefix, service)
  return async ({ now, toLog }, askEstimates) => {
    const manager = await connect()
    const { entities, samples, ...standing } = await use(
      database,
      { purpose: `lag ${service}` },
      async (client) => await readServiceStanding(client, service),
    )
    const end = await stream.readEnd(manager)
    const { epoch, isConsumed, phase, streamSequence } = standing
    const isOfStream = readsStream(
      standing,
      end.lastSequence,
      streamSequence === 0 ? null : await stream.readEpoch(manager, epoch),
    )
    const messages = isOfStream ? end.lastSequence - streamSequence : end.messages
    const isLoading = phase !== 'following'
    const ageBehind = async (sequence: number): Promise<Age> =>
      isOfStream ? await stream.ageBehind(manager, sequence, isLoading, now()) : NOTHING_TELLS
    const unread = await ageBehind(readTo(streamSequence, isConsumed, samples))
    const unapplied = await ageBehind(streamSequence)
    const attempts = new Map(entities.map(({ attempt, entity }) => [entity, attempt]))
    const totals = epoch === 0 ? null : await stream.readTotals(manager, epoch, attempts)
    const estimates = totals === null ? await askEstimates() : null
    const pace = paceOf(samples)
    return {
      service,
      status: judgeConsumer({ ...standing, isBuilding: phase === 'indexing', isLoading, messages, samples }),
      ...standing,
      lastSequence: end.lastSequence,
      isOfStream,
      messages,
      messagesPerSecond: pace.messagesPerSecond,
      bytes: end.messages === 0 ? 0 : Math.round((end.bytes / end.messages) * messages),
      hops: hopsOf(toLog, unread, unapplied),
      secondsLeft: secondsUntil(messages, pace.catchingUpPerSecond),
      loading: loadingProgress(names, { held: entities, totals, estimates }, pace.rowsPerSecond),
    }
  }
}

/**
 * Whether a service's checkpoint is of its stream: a sequence tells nothing of another stream that has the name. One that has
 * begun with nothing is of any.
 */
export function readsStream(
  { epoch, epochStartedAt, streamSequence }: Pick<ServiceStanding, 'epoch' | 'epochStartedAt' | 'streamSequence'>,
  lastSequence: number,
  latest: StreamEpoch | null,
): boolean {
  if (streamSequence === 0) return true
  if (streamSequence > lastSequence || latest === null || latest.epoch < epoch) return false
  // A newer epoch stands behind what it has read, as long as it has not entered it.
  return latest.epoch === epoch ? latest.startedAt === epochStartedAt : latest.sequence > streamSequence
}
