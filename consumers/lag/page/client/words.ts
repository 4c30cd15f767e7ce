import { unreachable } from '../../../../contracts/failure.ts'
import type { MonolithStanding } from '../../../../infra/following/monolith-standing.ts'
import type { Age } from '../../../../infra/following/log-lag.ts'
import { type Activity, activityOf } from '../../activity.ts'
import { isKnown, type LagReport, type UnknownService } from '../../lag-report.ts'
import type { ServiceLag } from '../../service-lag.ts'
import type { Connection } from './page-state.ts'
import { isUntold } from './series.ts'
import { bytesText, durationText, numberWord, percentText, shareOf } from './quantities.ts'

/** How grave something is, for its colour and its icon: `calm` and `busy` need nobody. */
export type Tone = 'calm' | 'busy' | 'warning' | 'bad' | 'parked' | 'unknown'

export interface Verdict {
  readonly tone: Tone
  readonly text: string
}

/** How a service is, in one or two words. */
export function verdictOf(lag: ServiceLag | UnknownService): Verdict {
  if (!isKnown(lag)) return { tone: 'unknown', text: 'unknown' }
  if (lag.status === 'warning') return { tone: 'warning', text: 'falling behind' }
  return verdictOfActivity(activityOf(lag))
}

function verdictOfActivity(activity: Activity): Verdict {
  switch (activity) {
    case 'stopped':
    case 'stalled':
      return { tone: 'bad', text: activity }
    case 'parked':
      return { tone: 'parked', text: activity }
    case 'waiting':
    case 'loading':
    case 'indexing':
      return { tone: 'busy', text: activity }
    case 'following':
      return { tone: 'calm', text: activity }
    default:
      return unreachable(activity)
  }
}

const BY_GRAVITY: readonly Tone[] = ['calm', 'busy', 'parked', 'warning', 'unknown', 'bad']

/** The higher, the sooner somebody must come. */
export function gravityOf({ tone }: Verdict): number {
  return BY_GRAVITY.indexOf(tone)
}

/** The state of the whole in a sentence: who is not well, else who loads, else that all are level. */
export function overallOf(report: LagReport): Verdict {
  const { services } = report
  const unwell = services.filter((lag) => !isKnown(lag) || lag.status !== 'ok')
  if (unwell.length > 0) return unwellText(unwell, services.length)
  const slot = report.monolith?.slot
  if (report.monolith === null) return { tone: 'unknown', text: 'Nothing can be told of the monolith' }
  if (slot?.walStatus === 'lost') return { tone: 'bad', text: 'The slot of the monolith is lost' }
  const known = services.filter(isKnown)
  const loading = known.filter(({ phase }) => phase !== 'following')
  if (loading.length > 0) return { tone: 'busy', text: loadingText(loading, services.length) }
  if (slot !== undefined && slot !== null && !slot.isFollowed)
    return { tone: 'warning', text: 'No publisher follows the monolith' }
  return followingOf(known)
}

function followingOf(services: readonly ServiceLag[]): Verdict {
  const isLevel = services.every(({ hops, messages }) => messages === 0 && hops.toDatabase.seconds === 0)
  const isOne = services.length === 1
  const all = allOf(services.length)
  // One publisher writes all: each service tells the same of it.
  const toLog = services[0]?.hops.toLog
  if (toLog !== undefined && isUntold(toLog))
    return {
      tone: 'unknown',
      text: `${all} ${isOne ? 'has' : 'have'} what the log has, and nothing tells what is not in it`,
    }
  if (toLog?.bound === 'at most') return { tone: 'warning', text: 'Nothing is heard of the publisher' }
  if (isLevel) return { tone: 'calm', text: `${all} ${isOne ? 'is' : 'are'} level` }
  return { tone: 'calm', text: `${all} ${isOne ? 'follows' : 'follow'}, and nothing is in the way` }
}

/** So many are named; more are counted. */
const NAMED = 3

function unwellText(unwell: LagReport['services'], of: number): Verdict {
  if (unwell.length === of && !unwell.some(isKnown))
    return { tone: 'unknown', text: 'Nothing can be told of any service' }
  const gravest = unwell.toSorted((one, other) => gravityOf(verdictOf(other)) - gravityOf(verdictOf(one)))
  const named = gravest.slice(0, NAMED).map((lag) => `${lag.service} ${verdictOf(lag).text}`)
  const rest = gravest.length > NAMED ? `, and ${numberWord(gravest.length - NAMED)} more` : ''
  const tone = gravest[0] === undefined ? 'unknown' : verdictOf(gravest[0]).tone
  return {
    tone,
    text: `${capital(numberWord(unwell.length))} of ${numberWord(of)} ${unwell.length === 1 ? 'is' : 'are'} not well: ${named.join(', ')}${rest}`,
  }
}

function loadingText(loading: readonly ServiceLag[], of: number): string {
  const rows = loading.reduce((sum, lag) => sum + lag.loading.rows, 0)
  const expected = loading.reduce<number | null>(
    (sum, lag) => (sum === null || lag.loading.expectedRows === null ? null : sum + lag.loading.expectedRows),
    0,
  )
  const share = shareOf(rows, expected)
  const are = (phase: ServiceLag['phase']): boolean => loading.every((lag) => lag.phase === phase)
  const isOne = loading.length === 1
  const who = loading.length === of ? allOf(of) : `${capital(numberWord(loading.length))} of ${numberWord(of)}`
  if (are('waiting')) return `${who} ${isOne ? 'waits' : 'wait'} for the snapshot`
  if (are('indexing')) return `${who} ${isOne ? 'builds its indexes' : 'build their indexes'}`
  const progress = share === null ? '' : `, ${percentText(share)} of ${isOne ? 'its' : 'their'} rows are there`
  return `${who} ${isOne ? 'is' : 'are'} being loaded${progress}`
}

function allOf(count: number): string {
  return count === 1 ? 'The only service' : `All ${numberWord(count)} services`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `0 s`, `12 s`, `at least 3 s`, `at most 4 s`; `unknown` where nothing tells it. */
export function ageText({ bound, seconds }: Age): string {
  switch (bound) {
    case 'exact':
      // No tenth of a second is as good as none.
      return seconds < 0.05 ? '0 s' : durationText(seconds)
    case 'at least':
      return seconds === 0 ? 'unknown' : `at least ${durationText(seconds)}`
    case 'at most':
      return `at most ${durationText(seconds)}`
    default:
      return unreachable(bound)
  }
}

/** What the slot costs, in sentences. */
export function slotText(monolith: MonolithStanding | null, secondsLeft: number | null): string {
  if (monolith === null) return 'Nothing can be told of the monolith.'
  const { slot } = monolith
  if (slot === null) return 'The monolith has no slot: it keeps no WAL, and nobody follows what is written to it.'
  if (slot.walStatus === 'lost') return `Slot ${slot.name} is lost: PostgreSQL removed the WAL that it needs.`
  const kept = `Slot ${slot.name} keeps ${bytesText(slot.retainedBytes)} of WAL`
  if (slot.safeBytes === null) return `${kept}. Nothing limits that (max_slot_wal_keep_size is not set).`
  const room = `${bytesText(slot.safeBytes)} more, and PostgreSQL gives it up`
  return secondsLeft === null
    ? `${kept}; ${room}. It does not grow now.`
    : `${kept}; ${room}: at its present growth in about ${durationText(secondsLeft)}.`
}

export function connectionText(connection: Connection, nowMs: number): string {
  switch (connection.kind) {
    case 'connecting':
      return 'Connecting'
    case 'live':
      return 'Live'
    case 'waiting':
      return `Reconnecting in ${Math.max(0, Math.ceil((connection.retryAtMs - nowMs) / 1_000))} s`
    case 'locked':
      return 'Locked'
    default:
      return unreachable(connection)
  }
}

/** What a screen reader is told when it changes, and not each second: how everybody is, and whether that is of now. */
export function announcementOf(report: LagReport | null, connection: Connection, isStale: boolean): string {
  if (connection.kind === 'locked') return 'A token is needed.'
  // A page that tries again has not come back yet.
  if (isStale) return 'The connection is lost. What is shown is not of now.'
  if (report === null) return ''
  const { tone } = overallOf(report)
  const unwell = report.services.filter((lag) => !isKnown(lag) || lag.status !== 'ok')
  if (unwell.length > 0) return `${unwellText(unwell, report.services.length).text}.`
  switch (tone) {
    case 'busy':
      return 'Services are being loaded, and nothing is in the way.'
    case 'calm':
      return 'All services follow.'
    case 'warning':
    case 'bad':
    case 'parked':
    case 'unknown':
      return `${overallOf(report).text}.`
    default:
      return unreachable(tone)
  }
}
