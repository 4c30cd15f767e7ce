import { Failure } from '../../contracts/failure.ts'
import { type Lsn, lsnText, parseLsn } from '../../contracts/positions.ts'

/** Up to where a log is applied, as an operator says it. */
export type Point = TimePoint | LsnPoint | MarkerPoint

export interface TimePoint {
  readonly kind: 'time'
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number
}

export interface LsnPoint {
  readonly kind: 'lsn'
  readonly lsn: Lsn
}

export interface MarkerPoint {
  readonly kind: 'marker'
  readonly name: string
}

const MARKER = 'marker:'

/** What is meant for an LSN or a time, whether it is one or not: taken for a marker it would only be missing. */
const LSN_LIKE = /^[0-9A-F]+\/[0-9A-F]+$/i
const TIME_LIKE = /^\d{4}-\d{2}(-\d{2}(\D|$)|$)/
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?$/

const MARKER_WAY_OUT = `where a marker has that name write ${MARKER} before it`

/**
 * Reads the value of `--until`: an LSN, a time with its offset from UTC, or else a marker's name, which `marker:` may
 * come before where it looks like one of the others.
 * @throws Failure 2 for what looks like an LSN or a time and is none, or none of one meaning.
 */
export function parsePoint(text: string): Point {
  if (text.startsWith(MARKER)) return markerPoint(text.slice(MARKER.length))
  if (LSN_LIKE.test(text)) return lsnPoint(text)
  return TIME_LIKE.test(text) ? timePoint(text) : markerPoint(text)
}

function markerPoint(name: string): MarkerPoint {
  if (name === '')
    throw new Failure(
      2,
      '--until has no value: give a time such as 2026-03-01T12:00:00Z, an LSN such as 0/16B3748, or a marker’s name.',
    )
  return { kind: 'marker', name }
}

function lsnPoint(text: string): LsnPoint {
  try {
    return { kind: 'lsn', lsn: parseLsn(text) }
  } catch (cause) {
    throw new Failure(
      2,
      `--until ${text} is no LSN, which has up to eight hexadecimal digits on each side: correct it, or ${MARKER_WAY_OUT}.`,
      { cause },
    )
  }
}

function timePoint(text: string): TimePoint {
  const match = TIME.exec(text)
  if (match === null || !isOfCalendar(match))
    throw new Failure(
      2,
      `--until ${text} is no time: write it as 2026-03-01T12:00:00Z or 2026-03-01T13:00:00.250+01:00, or ${MARKER_WAY_OUT}.`,
    )
  const [, , , , , , , fraction = '', utc, sign, hours = '0', minutes = '0'] = match
  if (utc === undefined && sign === undefined)
    throw new Failure(
      2,
      `--until ${text} has no offset from UTC, so that it would be another time on another machine: add Z or an offset such as +01:00.`,
    )
  const east = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  // A commit's time has microseconds, so that what is finer decides nothing.
  const microseconds = Number(fraction.slice(0, 6).padEnd(6, '0'))
  return { kind: 'time', at: (wallClockMs(match) - east * 60_000) * 1_000 + microseconds }
}

/** Whether it is a day of the calendar and a time of the clock; a `Date` would take the 30th of February for March. */
function isOfCalendar(match: RegExpExecArray): boolean {
  const [, year, month, day, hour, minute, second = '00', , , , hours = '00', minutes = '00'] = match
  const isOffset = Number(hours) < 24 && Number(minutes) < 60
  const wall = new Date(wallClockMs(match))
  return (
    isOffset &&
    Number.isFinite(wall.getTime()) &&
    wall.toISOString().slice(0, 19) === `${year}-${month}-${day}T${hour}:${minute}:${second}`
  )
}

function wallClockMs([, year, month, day, hour, minute, second = '00']: RegExpExecArray): number {
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

/** A point in a sentence. */
export function pointText(point: Point): string {
  if (point.kind === 'time') return `the time ${timeText(point.at)}`
  return point.kind === 'lsn' ? `the position ${lsnText(point.lsn)}` : `the marker ${JSON.stringify(point.name)}`
}

/** Microseconds since 1970 as ISO 8601 in UTC, for example `2026-03-01T12:00:00.000001Z`. */
export function timeText(microseconds: number): string {
  const ms = Math.floor(microseconds / 1_000)
  const below = String(microseconds - ms * 1_000).padStart(3, '0')
  return new Date(ms).toISOString().replace('Z', `${below}Z`)
}
