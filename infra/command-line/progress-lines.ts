import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'
import { movingSeconds } from './lane-text.ts'
import { type Board, type Lane, lanes, totalLane } from './progress-board.ts'
import { printableLines } from './terminal-line.ts'
import { bytesText, clockText, counted, countText, durationText, rateText, secondsLeft } from './quantities.ts'

const SHORTEST_TOLD_SECONDS = 0.1

/** The sum of what moves, for where there is no terminal; null where nothing does. */
export function summaryLine(title: string, lane: Lane, nowMs: number): string | null {
  if (lane.phase === 'following') return lane.changes === 0 ? null : `${title}: ${counted(lane.changes, 'change')}`
  if (lane.phase !== 'moving') return null
  const seconds = movingSeconds(lane, nowMs)
  const left = secondsLeft(lane.rows, lane.expectedRows, seconds)
  const expected = lane.expectedRows === null ? '' : ` of about ${countText(lane.expectedRows)}`
  return [
    `${title}: ${countText(lane.rows)}${expected} rows`,
    ...(lane.bytes > 0 ? [bytesText(lane.bytes)] : []),
    ...(seconds > 0 && lane.bytes > 0 ? [rateText(lane.bytes, seconds)] : []),
    ...(left === null ? [] : [`${clockText(left)} left`]),
  ].join(', ')
}

/** What is said of an event of the publisher's; null where it is not worth a line. */
export function publisherLine(board: Board, event: PublisherEvent): string | null {
  if (event.type === 'notice') return printableLines(event.text)
  if (event.type === 'manifest-closed') return `${event.service}: ${doneText(board, event.service, 'published')}`
  if (event.type === 'following-begun') return `Follows the monolith from ${event.from} on`
  if (event.type !== 'epoch-begun') return null
  return `Epoch ${event.epoch} as of ${event.consistencyPoint}${event.slot === null ? ', without a slot' : ''}`
}

/** What is said of an event of a consumer's; null where it is not worth a line. */
export function consumerLine(board: Board, event: ConsumerEvent): string | null {
  if (event.type === 'notice') return `${event.service}: ${printableLines(event.text)}`
  if (event.type !== 'phase-entered') return null
  switch (event.phase) {
    case 'waiting':
      return `${event.service}: waits for its snapshot in the log`
    case 'loading':
      return `${event.service}: loads`
    case 'indexing':
      return `${event.service}: ${doneText(board, event.service, 'loaded')}; builds indexes and foreign keys`
    case 'following':
      return `${event.service}: is complete`
    default:
      return unreachable(event.phase)
  }
}

/** What is said of an event of a replay's; null where it is not worth a line. */
export function replayLine(board: Board, event: ReplayEvent): string | null {
  if (event.type === 'step-done')
    return `${event.service}: ${event.step}: ${event.detail} (${durationText(event.seconds)})`
  // These are steps of its own.
  const isPart = event.type === 'phase-entered' && event.phase !== 'indexing'
  return isPart ? null : consumerLine(board, event)
}

/** What is said of an event of a verification's; null where it is not worth a line. */
export function verifyLine(event: VerifyEvent): string | null {
  if (event.type === 'table-read' && !event.equal)
    return `${event.service}: ${event.entity} differs; the log's rows are read to say where`
  if (event.type !== 'service-verified') return null
  return `${event.service}: ${event.verified ? 'is equal' : 'DIFFERS'} (${durationText(event.seconds)})`
}

function doneText(board: Board, service: string, verb: string): string {
  const lane = serviceLane(board, service)
  const seconds = movingSeconds(lane, lane.changedAtMs ?? 0)
  // A single page takes no time that could be told.
  const time = seconds < SHORTEST_TOLD_SECONDS ? '' : ` in ${durationText(seconds)}`
  return `${counted(lane.rows, 'row')}, ${bytesText(lane.bytes)} ${verb}${time}`
}

/** What is known of one service, also where it is the only one. */
export function serviceLane(board: Board, service: string): Lane {
  if (board.phases.size === 1) return totalLane(board)
  return lanes(board).find(({ label }) => label === service) ?? totalLane(board)
}
