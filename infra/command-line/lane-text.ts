import { unreachable } from '../../contracts/failure.ts'
import type { Lane } from './progress-board.ts'
import { bytesText, clockText, countText, rateText, secondsLeft, shortCount } from './quantities.ts'

/** How a line is laid out; each figure has a fixed place, so that the eye finds it while it changes. */
export interface LaneLayout {
  readonly labelWidth: number
  /** 0 where there is no room for a bar. */
  readonly barWidth: number
  readonly withBytes: boolean
  readonly withRate: boolean
}

export interface LaneStyle {
  readonly full: string
  readonly empty: string
  /** Colours of a bar's full and empty part and of a lane that is done. */
  readonly colourFull: (text: string) => string
  readonly colourEmpty: (text: string) => string
  readonly colourDone: (text: string) => string
}

const PERCENT_WIDTH = 4
const ROWS_WIDTH = 10
const BYTES_WIDTH = 6
const RATE_WIDTH = 8
const LEFT_WIDTH = 7
const GAP = '  '

/** The first page's arrival begins the time: a few pages later it still tells nothing. */
const SHORTEST_TOLD_SECONDS = 1

const SHORTEST_BAR = 7
const LONGEST_BAR = 30
const LONGEST_LABEL = 24

/**
 * Lays lines out for a terminal: the bar takes what the figures leave. Where that is too little the bytes go first, then
 * the rate, then the bar; the label, the share, the rows and the time that is left stay.
 */
export function laneLayout(labels: readonly string[], columns: number): LaneLayout {
  const labelWidth = Math.min(LONGEST_LABEL, Math.max(...labels.map(({ length }) => length), 0))
  const fixed = labelWidth + [PERCENT_WIDTH, ROWS_WIDTH, LEFT_WIDTH].reduce((sum, width) => sum + GAP.length + width, 0)
  const bytes = GAP.length + BYTES_WIDTH
  const rate = GAP.length + RATE_WIDTH
  // A terminal that is filled to its last column may wrap.
  const room = columns - 1 - fixed - GAP.length
  const choices = [
    { withBytes: true, withRate: true, barWidth: room - bytes - rate },
    { withBytes: false, withRate: true, barWidth: room - rate },
    { withBytes: false, withRate: false, barWidth: room },
  ]
  const fitting = choices.find(({ barWidth }) => barWidth >= SHORTEST_BAR)
  if (fitting === undefined) return { labelWidth, barWidth: 0, withBytes: false, withRate: false }
  return { labelWidth, ...fitting, barWidth: Math.min(LONGEST_BAR, fitting.barWidth) }
}

/** One line of progress, as wide as its layout. */
export function laneText(lane: Lane, layout: LaneLayout, style: LaneStyle, nowMs: number): string {
  const moving = movingSeconds(lane, nowMs)
  const seconds = moving < SHORTEST_TOLD_SECONDS ? 0 : moving
  const share = laneShare(lane)
  const label = shortened(lane.label, layout.labelWidth).padEnd(layout.labelWidth)
  const parts = [
    lane.phase === 'done' ? style.colourDone(label) : label,
    ...(layout.barWidth > 0 ? [barText(share ?? 0, layout.barWidth, style)] : []),
    (share === null || lane.phase === 'waiting' ? '' : `${Math.floor(share * 100)}%`).padStart(PERCENT_WIDTH),
    (lane.rows > 0 || lane.phase !== 'waiting' ? countText(lane.rows) : '').padStart(ROWS_WIDTH),
    ...(layout.withBytes ? [(lane.bytes > 0 ? bytesText(lane.bytes) : '').padStart(BYTES_WIDTH)] : []),
    ...(layout.withRate ? [rateText(lane.bytes, seconds).padStart(RATE_WIDTH)] : []),
    leftText(lane, seconds).padStart(LEFT_WIDTH),
  ]
  return parts.join(GAP)
}

/** How much of a lane is done, from 0 to 1; null where nothing tells it. Only what is done shows as 1. */
export function laneShare({ phase, rows, expectedRows }: Lane): number | null {
  if (phase === 'done' || phase === 'indexing' || phase === 'following') return 1
  if (expectedRows === null) return null
  return expectedRows === 0 ? 0 : Math.min(0.99, rows / expectedRows)
}

export function barText(share: number, width: number, style: LaneStyle): string {
  const full = Math.min(width, Math.round(share * width))
  return style.colourFull(style.full.repeat(full)) + style.colourEmpty(style.empty.repeat(width - full))
}

/** The last column: the time that is left, or the phase where no time can be told. */
export function leftText(lane: Lane, seconds: number): string {
  switch (lane.phase) {
    case 'waiting':
      return 'waiting'
    case 'indexing':
      return 'indexes'
    case 'comparing':
      return 'differs'
    case 'following':
      // What was changed since the snapshot, as far as the column is wide.
      return lane.changes === 0 ? 'follows' : `+${shortCount(lane.changes)}`
    case 'done':
      return 'done'
    case 'moving': {
      const left = secondsLeft(lane.rows, lane.expectedRows, seconds)
      return left === null ? '' : clockText(left)
    }
    default:
      return unreachable(lane.phase)
  }
}

/** How long a lane has been moving; it stands still with its last page once nothing moves any more. */
export function movingSeconds({ phase, beganAtMs, changedAtMs }: Lane, nowMs: number): number {
  if (beganAtMs === null) return 0
  return ((phase === 'moving' ? nowMs : (changedAtMs ?? nowMs)) - beganAtMs) / 1000
}

/** A label that is too long loses its end, visibly. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
