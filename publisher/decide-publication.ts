import { Failure } from '../contracts/failure.ts'
import { parseLsn } from '../contracts/positions.ts'
import type { StoredReading } from './stored-readings.ts'

/** Which PostgreSQL a log is of: a restored or promoted copy is another one, and so is another database of the same. */
export interface MonolithIdentity {
  readonly systemId: string
  readonly timeline: number
  readonly database: string
}

/** What a service's stream says of its newest epoch. */
export interface LogState {
  readonly service: string
  /** When the stream was made, as the broker says it. */
  readonly streamCreated: string
  readonly replicas: number
  readonly lastSequence: number
  /** How long ago its last message was stored, by the broker's clock; null where there is none. */
  readonly quietMs: number | null
  /** 0 where the stream has no epoch yet, or has lost the message that would tell. */
  readonly epoch: number
  /** The dense number of the stream's last message, in the newest epoch. */
  readonly lastNumber: number
  /** The sequence of the epoch's first message; the next one where the stream has no epoch. */
  readonly epochSequence: number
  /** The first message of the epoch that the stream does not hold any more; null where it holds all. */
  readonly missing: number | null
  /** What `control.epoch` said; null where the stream has no epoch. */
  readonly begun: BegunEpoch | null
  /** What the manifest said that closed the newest attempts; null where there is none. */
  readonly closed: ClosedSnapshot | null
  /** The newest reading of each entity in the epoch. */
  readonly readings: ReadonlyMap<string, StoredReading>
}

export interface BegunEpoch extends MonolithIdentity {
  readonly slotName: string | null
  readonly consistentPoint: string | null
}

export interface ClosedSnapshot {
  readonly consistencyPoint: string
  readonly entities: readonly string[]
}

/**
 * What was under way when a publisher was killed may be stored a moment later. A stream that was quiet for so long has
 * none of it any more.
 */
export const QUIET_MS = 500

/**
 * How long the logs must be left alone before they say what is to be done; 0 where they do already. A closed log that
 * nothing will be written to need not be left alone.
 */
export function settlingMs(logs: readonly LogState[], follows: boolean): number {
  const open = logs.filter((log) => follows || log.closed === null)
  return Math.max(0, ...open.map(({ quietMs }) => (quietMs === null ? 0 : QUIET_MS - quietMs)))
}

export type Publication =
  | {
      readonly kind: 'already closed'
      readonly epoch: number
      readonly consistencyPoint: string
      readonly slotName: string | null
    }
  | { readonly kind: 'begin'; readonly epoch: number }
  | { readonly kind: 'go on'; readonly epoch: number; readonly slotName: string | null }

export interface PublicationWishes {
  readonly newEpoch: boolean
  readonly withSlot: boolean
  readonly monolith: MonolithIdentity
  /** The entities of each service, by its name. */
  readonly entities: ReadonlyMap<string, readonly string[]>
  /** The last epoch of a log that is lost; 0 where none is known to be. */
  readonly lostEpoch: number
}

/**
 * What a run of `publish` has to do, from the logs alone. An epoch that was begun and not closed in every stream, as of
 * one consistency point, goes on: `decideReadings` says with what.
 * @throws Failure 4 where the log belongs to another monolith or another contract set, or the epoch was begun with the
 * other kind of snapshot.
 */
export function decidePublication(logs: readonly LogState[], wishes: PublicationWishes): Publication {
  const epoch = Math.max(0, ...logs.map((log) => log.epoch))
  if (!wishes.newEpoch) assertEnds(logs)
  if (epoch === 0 || wishes.newEpoch) return { kind: 'begin', epoch: Math.max(epoch, wishes.lostEpoch) + 1 }
  const newest = logs.filter((log) => log.epoch === epoch)
  const begun = newest.find((log) => log.begun !== null)?.begun
  if (!begun) throw refusal(`No stream says how epoch ${epoch} began: the log is not whole`)
  assertWhole(newest)
  assertSameMonolith(begun, wishes.monolith, epoch)
  const consistencyPoint = closedAsOf(newest)
  if (consistencyPoint !== null) {
    assertSameContracts(logs, wishes, epoch)
    return { kind: 'already closed', epoch, consistencyPoint, slotName: begun.slotName }
  }
  if ((begun.slotName !== null) !== wishes.withSlot)
    throw refusal(
      `Epoch ${epoch} was begun ${begun.slotName === null ? 'without a slot: add --no-slot' : 'with a slot: leave out --no-slot'}`,
      'or',
    )
  return { kind: 'go on', epoch, slotName: begun.slotName }
}

/** Manifests of before a snapshot was lost name an earlier point than those that close what was read after it. */
function closedAsOf(newest: readonly LogState[]): string | null {
  const points = newest.map(({ closed }) => closed?.consistencyPoint)
  const [first] = points
  return first !== undefined && points.every((point) => point !== undefined && parseLsn(point) === parseLsn(first))
    ? first
    : null
}

function assertEnds(logs: readonly LogState[]): void {
  for (const { epoch, missing, service } of logs)
    if (epoch === 0 && missing !== null)
      throw refusal(
        `The stream of service ${service} does not hold its last message (${missing}): messages were removed from the log, which must stay whole`,
      )
}

function assertWhole(newest: readonly LogState[]): void {
  for (const { service, missing } of newest)
    if (missing !== null)
      throw refusal(
        `The stream of service ${service} does not hold its message ${missing}: messages were removed from the log, which must stay whole`,
      )
}

function assertSameMonolith(begun: BegunEpoch, monolith: MonolithIdentity, epoch: number): void {
  const correct = 'correct MONOLITH_DATABASE_URL or SCISSION_PREFIX'
  if (begun.systemId !== monolith.systemId)
    throw refusal(
      `The log is of another monolith (system identifier ${begun.systemId}, this one has ${monolith.systemId}): ${correct}`,
      'or',
    )
  if (begun.database !== monolith.database)
    throw refusal(`The log is of database ${begun.database}, and this is ${monolith.database}: ${correct}`, 'or')
  if (begun.timeline !== monolith.timeline)
    throw refusal(
      `The monolith was restored or failed over since epoch ${epoch} began (timeline ${begun.timeline}, now ${monolith.timeline}), so that the log may hold what the monolith does not`,
    )
}

/** A closed snapshot without an entity that the contract set has now would leave that entity's rows behind. */
function assertSameContracts(logs: readonly LogState[], { entities }: PublicationWishes, epoch: number): void {
  for (const { service, closed } of logs) {
    const missing = (entities.get(service) ?? []).find((entity) => closed?.entities.includes(entity) !== true)
    if (missing !== undefined)
      throw refusal(
        `The snapshot of epoch ${epoch} is complete, and is without entity ${missing} of service ${service}: the contract set has it since, or the service's stream was made anew`,
      )
  }
}

function refusal(sentence: string, joint: 'or' | '' = ''): Failure {
  return new Failure(4, `${sentence}${joint === 'or' ? ', or ' : ': '}begin anew with --new-epoch.`)
}
