import { Failure } from '../../contracts/failure.ts'
import { type Lsn, lsnText } from '../../contracts/positions.ts'
import type { LogControls } from './log-controls.ts'
import { type LsnPoint, type Point, pointText, type TimePoint, timeText } from './point.ts'

/** Where a service's log is to be cut. */
export interface FoundPoint {
  /** The transactions whose commit records begin before it are to be applied, and no others. */
  readonly lsn: Lsn
  /** When the last of these was committed, in microseconds since 1970; null where the log has none of them. */
  readonly committedAt: number | null
  /** The last message of the stream that is needed for it. */
  readonly lastSequence: number
}

/** A part of a transaction, as a message has it. */
export interface Committed {
  readonly lsn: Lsn
  readonly committedAt: number
  /** Whether it ends the service's part of the transaction. */
  readonly last: boolean
}

/** By what a reading of the changes ends. */
export type Bound = TimePoint | LsnPoint

/** The transactions that come before the first one behind a bound, as far as they were read. */
export interface Prefix {
  /** The last one that is whole. */
  readonly last: { readonly lsn: Lsn; readonly committedAt: number } | null
  /** The greatest time of the whole ones: clocks are set back, and times are taken before commits are put in order. */
  readonly latest: number | null
  /** One that has begun, and has not ended yet. */
  readonly open: Lsn | null
  /** The first one behind the bound; null where there is none. */
  readonly endedAt: Lsn | null
  /** The last message that has any of them; 0 where none does. */
  readonly lastSequence: number
}

export const EMPTY_PREFIX: Prefix = { last: null, latest: null, open: null, endedAt: null, lastSequence: 0 }

/**
 * Takes the next part of a transaction into a prefix, unless it is behind the bound: then the prefix has ended. A time
 * bounds it at the first transaction that was committed later, whatever times come behind that: only a prefix of the
 * order of the commits was ever the state of the monolith.
 */
export function extendPrefix(prefix: Prefix, bound: Bound, next: Committed, sequence: number): Prefix {
  if (prefix.endedAt !== null) return prefix
  if (isBehind(bound, next)) return { ...prefix, endedAt: next.lsn }
  if (!next.last) return { ...prefix, open: next.lsn, lastSequence: sequence }
  return {
    last: { lsn: next.lsn, committedAt: next.committedAt },
    latest: Math.max(prefix.latest ?? next.committedAt, next.committedAt),
    open: null,
    endedAt: null,
    lastSequence: sequence,
  }
}

/**
 * A commit record that begins before a position ends before it too, since a position that anybody was given is the edge
 * of a record.
 */
function isBehind(bound: Bound, { committedAt, lsn }: Committed): boolean {
  return bound.kind === 'time' ? committedAt > bound.at : lsn >= bound.lsn
}

/** All that a decision rests on. */
export interface PointKnown {
  readonly service: string
  readonly point: Point
  readonly bound: Bound
  readonly controls: LogControls
  readonly prefix: Prefix
}

/**
 * Where the log is to be cut for a point.
 * @throws Failure 4 where the log does not have the service exactly as of that point.
 */
export function decidePoint(known: PointKnown): FoundPoint {
  const { bound, controls, prefix } = known
  assertExact(known)
  assertReached(known)
  return {
    lsn: bound.kind === 'lsn' ? bound.lsn : (prefix.endedAt ?? behindAll(known)),
    committedAt: prefix.last?.committedAt ?? null,
    lastSequence: Math.max(prefix.lastSequence, controls.manifest.sequence),
  }
}

function behindAll({ controls, prefix }: PointKnown): Lsn {
  const { consistencyPoint } = controls.manifest
  const behindLast = ((prefix.last?.lsn ?? 0n) + 1n) as Lsn // One byte further is a position again.
  return behindLast > consistencyPoint ? behindLast : consistencyPoint
}

/** Before the consistency point the tables are of several moments, or of none. */
function assertExact(known: PointKnown): void {
  if (!isBeforeConsistency(known)) return
  const { consistencyPoint, closedAt } = known.controls.manifest
  throw new Failure(
    4,
    `Service ${known.service} cannot be rebuilt as of ${pointText(known.point)}${positionOf(known)}: its log is exact only from the consistency point ${lsnText(consistencyPoint)} on, whose manifest was closed at ${timeText(closedAt)}; choose a later point.`,
  )
}

/**
 * The consistency point's own time is not in the log. It is before the manifest was closed, and before any commit that
 * stands behind it; a time that neither shows to be later is taken for an earlier one.
 */
function isBeforeConsistency({ bound, controls, prefix }: PointKnown): boolean {
  const { closedAt, consistencyPoint } = controls.manifest
  if (bound.kind === 'lsn') return bound.lsn < consistencyPoint
  if (prefix.endedAt !== null && prefix.endedAt < consistencyPoint) return true
  const isShown = prefix.last !== null && prefix.last.lsn >= consistencyPoint
  return bound.at < closedAt && !isShown
}

/** A marker's position is what its name does not say. */
function positionOf({ bound, point }: PointKnown): string {
  return point.kind === 'marker' && bound.kind === 'lsn' ? ` (${lsnText(bound.lsn)})` : ''
}

/** What the log does not reach yet may have been committed in the monolith all the same. */
function assertReached(known: PointKnown): void {
  const { bound, prefix } = known
  if (prefix.endedAt !== null) return
  const head = headOf(known)
  const isReached = bound.kind === 'lsn' ? bound.lsn <= head : prefix.latest !== null && bound.at <= prefix.latest
  if (isReached && prefix.open === null) return
  throw new Failure(
    4,
    `The log of service ${known.service} does not reach ${pointText(known.point)}: ${endText(known, head)}; let publish go on, or choose a marker or an earlier point.`,
  )
}

function headOf({ controls, prefix }: PointKnown): Lsn {
  const positions = [controls.markerHead, controls.manifest.consistencyPoint, prefix.last?.lsn, prefix.open]
  return positions.reduce<Lsn>((head, lsn) => (lsn != null && lsn > head ? lsn : head), 0n as Lsn) // 0/0 is a position.
}

function endText({ bound, prefix }: PointKnown, head: Lsn): string {
  if (prefix.open !== null) return `it ends within the transaction at ${lsnText(prefix.open)}`
  if (bound.kind === 'lsn') return `it ends at ${lsnText(head)}`
  return prefix.latest === null
    ? 'it has no transaction behind its snapshot'
    : `the last transaction in it was committed at ${timeText(prefix.latest)}, and markers have no time`
}
