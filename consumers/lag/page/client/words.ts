import { unreachable } from '../../../../contracts/failure.ts'
import type { MonolithStanding } from '../../../../infra/following/monolith-standing.ts'
import type { Age } from '../../../../infra/following/log-lag.ts'
import { isKnown, type LagReport } from '../../lag-report.ts'
import type { ServiceLag } from '../../service-lag.ts'
import { faultText, isEnding, type SourceFault, sourceFaults } from '../../source-faults.ts'
import { byGravity, type Verdict, verdictOf } from '../../verdict.ts'
import type { SentLook } from './page-state.ts'
import type { Growth } from './series.ts'
import { bytesText, durationText, loadingShareOf, numberWord, percentText } from './quantities.ts'

/** What of a look says how all is. */
export type Judged = Pick<SentLook, 'report' | 'slotSecondsLeft'>

/** The state of the whole in a sentence: what is in the way, the gravest first; else who loads, else that all are level. */
export function overallOf(judged: Judged): Verdict {
  return joined(judged, (fault) => `${faultText(fault)}${byText(fault)}`, servicesVerdict(judged.report.services))
}

/** The same without what changes each second. */
export function steadyOverallOf(judged: Judged): string {
  const verdict = servicesVerdict(judged.report.services)
  return joined(judged, faultText, { tone: verdict.tone, text: STEADY[verdict.tone] ?? verdict.text }).text
}

const STEADY: Readonly<Partial<Record<Verdict['tone'], string>>> = {
  busy: 'Services are being loaded',
  calm: 'All services follow',
}

/** How late the log is. */
function byText(fault: SourceFault): string {
  return fault.kind === 'log late' ? ` by ${durationText(fault.seconds)}` : ''
}

/** Of services that need nobody nothing is said beside a fault of what they depend on, but that they load. */
function joined(
  { report, slotSecondsLeft }: Judged,
  textOf: (fault: SourceFault) => string,
  services: Verdict,
): Verdict {
  const [fault] = sourceFaults(report, slotSecondsLeft)
  if (fault === undefined) return services
  const source = { tone: fault.tone, text: textOf(fault) }
  if (services.tone === 'calm') return source
  const [gravest = source, other = services] = byGravity([source, services])
  return { tone: gravest.tone, text: `${gravest.text}; ${uncapital(other.text)}` }
}

function servicesVerdict(services: LagReport['services']): Verdict {
  const unwell = services.filter((lag) => !isKnown(lag) || lag.status !== 'ok')
  if (unwell.length > 0) return unwellText(unwell, services.length)
  const known = services.filter(isKnown)
  const loading = known.filter(({ phase }) => phase !== 'following')
  return loading.length > 0
    ? { tone: 'busy', text: loadingText(loading, services.length) }
    : { tone: 'calm', text: followingText(known) }
}

/** A service that is further behind than this is named, though its consumer works. */
const NAMED_SECONDS = 10

function followingText(services: readonly ServiceLag[]): string {
  const isOne = services.length === 1
  const all = allOf(services.length)
  if (services.every(({ hops, messages }) => messages === 0 && hops.toDatabase.seconds === 0))
    return `${all} ${isOne ? 'is' : 'are'} level`
  const [furthest] = services.toSorted((one, other) => other.hops.toDatabase.seconds - one.hops.toDatabase.seconds)
  const follows = `${all} ${isOne ? 'follows' : 'follow'}`
  if (furthest === undefined || furthest.hops.toDatabase.seconds <= NAMED_SECONDS)
    return `${follows}, and nothing is in the way`
  return `${follows}, ${furthest.service} by ${ageText(furthest.hops.toDatabase)} behind`
}

/** So many are named; more are counted. */
const NAMED = 3

function unwellText(unwell: LagReport['services'], of: number): Verdict {
  if (unwell.length === of && !unwell.some(isKnown))
    return { tone: 'unknown', text: 'Nothing can be told of any service' }
  const gravest = byGravity(unwell.map((lag) => ({ ...verdictOf(lag), service: lag.service })))
  const named = gravest.slice(0, NAMED).map(({ service, text }) => `${service} ${text}`)
  const rest = gravest.length > NAMED ? `, and ${numberWord(gravest.length - NAMED)} more` : ''
  return {
    tone: gravest[0]?.tone ?? 'unknown',
    text: `${capital(numberWord(unwell.length))} of ${numberWord(of)} ${unwell.length === 1 ? 'is' : 'are'} not well: ${named.join(', ')}${rest}`,
  }
}

function loadingText(loading: readonly ServiceLag[], of: number): string {
  const rows = loading.reduce((sum, lag) => sum + lag.loading.rows, 0)
  const expected = loading.reduce<number | null>(
    (sum, lag) => (sum === null || lag.loading.expectedRows === null ? null : sum + lag.loading.expectedRows),
    0,
  )
  const share = loadingShareOf(rows, expected)
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

function uncapital(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
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

/** What the slot costs, in sentences. @param growth of what it keeps, as far as the page has seen it. */
export function slotText(monolith: MonolithStanding | null, secondsLeft: number | null, growth: Growth): string {
  if (monolith === null) return 'Nothing can be told of the monolith.'
  const { slot } = monolith
  if (slot === null) return 'The monolith has no slot: it keeps no WAL, and nobody follows what is written to it.'
  if (slot.walStatus === 'lost') return `Slot ${slot.name} is lost: PostgreSQL removed the WAL that it needs.`
  const kept = `Slot ${slot.name} keeps ${bytesText(slot.retainedBytes)} of WAL`
  if (isEnding(slot)) return `${kept}, which is more than it may: it is given up at the next checkpoint.`
  if (slot.safeBytes === null) return `${kept}. Nothing limits that (max_slot_wal_keep_size is not set).`
  const room = `${bytesText(slot.safeBytes)} more, and PostgreSQL gives it up`
  return secondsLeft === null
    ? `${kept}; ${room}. ${GROWTH_TEXTS[growth]}`
    : `${kept}; ${room}: at its present growth in about ${durationText(Math.max(0, secondsLeft))}.`
}

const GROWTH_TEXTS: Readonly<Record<Growth, string>> = {
  none: 'It does not grow now.',
  grows: 'It grows, and how fast is not known yet.',
  unknown: 'Whether it grows is not known yet.',
}
