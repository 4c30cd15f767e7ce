import type { ConsumerEvent } from '../../consumers/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'
import { movingSeconds } from './lane-text.ts'
import type { LogFields, LogRecord } from './log.ts'
import type { Board } from './progress-board.ts'
import { serviceLane } from './progress-lines.ts'
import { bytesText, counted, countText, durationText, secondsLeft } from './quantities.ts'

/** Comes so often that a line each would hide all others. */
export type SummedEvent = Extract<
  PublisherEvent | ConsumerEvent | VerifyEvent,
  {
    type: 'page-stored' | 'changes-stored' | 'pages-loaded' | 'changes-applied' | 'log-rows-read' | 'references-counted'
  }
>

/** What came of one kind of event for one service since its last line. */
export interface EventSum {
  /** Of numbers that add up the sum, of others the latest. */
  readonly event: SummedEvent
  readonly events: number
  readonly sinceMs: number
}

export type EventSums = ReadonlyMap<string, EventSum>

/** A rate over less is chance. */
const SHORTEST_RATED_SECONDS = 1

const SUMMED: Readonly<Record<SummedEvent['type'], true>> = {
  'page-stored': true,
  'changes-stored': true,
  'pages-loaded': true,
  'changes-applied': true,
  'log-rows-read': true,
  'references-counted': true,
}

export function isSummed<Event extends { readonly type: string }>(event: Event): event is Event & SummedEvent {
  return Object.hasOwn(SUMMED, event.type)
}

export function addToSums(sums: EventSums, event: SummedEvent, nowMs: number): EventSums {
  const key = 'service' in event ? `${event.type} ${event.service}` : event.type
  const former = sums.get(key)
  const sum = former === undefined ? event : together(former.event, event)
  return new Map(sums).set(key, {
    event: sum,
    events: (former?.events ?? 0) + 1,
    sinceMs: former?.sinceMs ?? nowMs,
  })
}

/** Both are of one kind, and of one service where the kind has one. */
function together(former: SummedEvent, event: SummedEvent): SummedEvent {
  switch (event.type) {
    case 'page-stored':
      return former.type === event.type ? { ...event, ...added(former, event, ['rows', 'bytes']) } : event
    case 'pages-loaded':
      return former.type === event.type ? { ...event, ...added(former, event, ['pages', 'rows', 'bytes']) } : event
    case 'changes-stored':
      return former.type === event.type ? { ...event, ...added(former, event, ['changes']) } : event
    case 'changes-applied': {
      if (former.type !== event.type) return event
      const oneByOne = former.oneByOne || event.oneByOne
      return { ...event, ...added(former, event, ['transactions', 'changes']), oneByOne }
    }
    case 'log-rows-read':
    case 'references-counted':
      return event
    default:
      return unreachable(event)
  }
}

function added<Name extends string>(
  former: Readonly<Record<Name, number>>,
  event: Readonly<Record<Name, number>>,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  return Object.fromEntries(names.map((name) => [name, former[name] + event[name]])) as Partial<Record<Name, number>>
}

/** The line of a sum. Totals, and what is left, are of this run. */
export function sumRecord({ event, events, sinceMs }: EventSum, board: Board, nowMs: number): LogRecord {
  const seconds = (nowMs - sinceMs) / 1000
  switch (event.type) {
    case 'page-stored':
      return movedRecord({ ...event, pages: events }, 'stored', seconds, board, nowMs)
    case 'pages-loaded':
      return movedRecord(event, 'loaded', seconds, board, nowMs)
    case 'changes-stored':
      return changesRecord(event, `${counted(event.changes, 'change')} stored`, seconds, board)
    case 'changes-applied': {
      const what = `${counted(event.changes, 'change')} of ${counted(event.transactions, 'transaction')} applied`
      return changesRecord(event, event.oneByOne ? `${what}, some one by one` : what, seconds, board)
    }
    case 'log-rows-read': {
      const { type, ...fields } = event
      const pages = `${countText(event.pages)} of ${counted(event.ofPages, 'page')}`
      return told({ event: type, ...fields }, `${event.service}: ${pages} of ${event.entity} read from the log`)
    }
    case 'references-counted': {
      const { type, ...fields } = event
      const counts = `${countText(event.references)} of ${counted(event.ofReferences, 'reference')}`
      return told({ event: type, ...fields }, `${counts} between services counted`)
    }
    default:
      return unreachable(event)
  }
}

interface Moved {
  readonly type: 'page-stored' | 'pages-loaded'
  readonly service: string
  readonly pages: number
  readonly rows: number
  readonly bytes: number
}

function movedRecord(
  { type, service, pages, rows, bytes }: Moved,
  verb: string,
  seconds: number,
  board: Board,
  nowMs: number,
): LogRecord {
  const lane = serviceLane(board, service)
  const left = secondsLeft(lane.rows, lane.expectedRows, movingSeconds(lane, nowMs))
  const fields = {
    service,
    event: type,
    pages,
    rows,
    bytes,
    seconds,
    rowsPerSecond: rate(rows, seconds),
    bytesPerSecond: rate(bytes, seconds),
    totalRows: lane.rows,
    totalBytes: lane.bytes,
    expectedRows: lane.expectedRows,
    secondsLeft: left === null ? null : Math.round(left),
  }
  return told(fields, `${service}: ${counted(rows, 'row')}, ${bytesText(bytes)} ${verb} in ${durationText(seconds)}`)
}

function changesRecord(
  event: Extract<SummedEvent, { readonly changes: number }>,
  what: string,
  seconds: number,
  board: Board,
): LogRecord {
  const { type, ...fields } = event
  const totalChanges = board.changes.get(event.service) ?? 0
  return told(
    { event: type, ...fields, seconds, changesPerSecond: rate(event.changes, seconds), totalChanges },
    `${event.service}: ${what} in ${durationText(seconds)}`,
  )
}

function rate(count: number, seconds: number): number | null {
  return seconds < SHORTEST_RATED_SECONDS ? null : Math.round(count / seconds)
}

function told(fields: LogFields, sentence: string): LogRecord {
  return { level: 'info', fields, sentence }
}
