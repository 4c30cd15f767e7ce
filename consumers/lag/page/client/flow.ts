import { unreachable } from '../../../../contracts/failure.ts'
import { isKnown, type LagReport } from '../../lag-report.ts'
import { type SourceFault, sourceFaults } from '../../source-faults.ts'
import { type Tone, type Verdict, verdictOf } from '../../verdict.ts'
import { inflowPerSecond, type Series } from './series.ts'
import { ageText } from './words.ts'

/** Where something flows, and how fast; null where nothing tells it. */
export interface Stream {
  readonly perSecond: number | null
  readonly tone: Tone
}

export interface FlowNode extends Verdict {
  readonly name: string
  /** A few words about it. */
  readonly note: string
}

export interface Flow {
  readonly monolith: FlowNode
  readonly toLog: Stream
  readonly log: FlowNode
  readonly services: readonly (FlowNode & { readonly stream: Stream })[]
}

/** The picture: what comes into the log, and what of it each service applies. */
export function flowOf(report: LagReport, series: Series): Flow {
  const { monolith, services } = report
  const known = services.filter(isKnown)
  const inflows = known.map(({ service }) => inflowPerSecond(series, service))
  const inflow = inflows.every((rate) => rate === null)
    ? null
    : inflows.reduce<number>((sum, rate) => sum + (rate ?? 0), 0)
  const faults = sourceFaults(report, null)
  const toLog = monolith === null ? 'lag unknown' : `log ${behindText(ageText(monolith.lag))}`
  return {
    monolith: { name: 'Monolith', ...publisherOf(faults), note: monolith === null ? '' : monolith.position },
    toLog: { perSecond: inflow, tone: faults[0]?.tone ?? 'calm' },
    log: { name: 'Log', ...logVerdict(faults, services), note: toLog },
    services: services.map((lag) => {
      const verdict = verdictOf(lag)
      if (!isKnown(lag))
        return { name: lag.service, ...verdict, note: '', stream: { perSecond: null, tone: verdict.tone } }
      const isFollowing = lag.phase === 'following'
      const note = isFollowing ? behindText(ageText(lag.hops.toDatabase)) : ''
      return {
        name: lag.service,
        ...verdict,
        note,
        stream: { perSecond: lag.isConsumed ? lag.messagesPerSecond : 0, tone: verdict.tone },
      }
    }),
  }
}

function behindText(age: string): string {
  if (age === 'unknown') return 'lag unknown'
  return age === '0 s' ? 'level' : `${age} behind`
}

function publisherOf(faults: readonly SourceFault[]): Verdict {
  for (const fault of faults) {
    const text = monolithWord(fault)
    if (text !== null) return { tone: fault.tone, text }
  }
  return { tone: 'calm', text: 'followed' }
}

/** So short that it has room beside the name; null where the fault is none of the monolith's own. */
function monolithWord({ kind }: SourceFault): string | null {
  switch (kind) {
    case 'monolith unknown':
      return 'unknown'
    case 'slot ending':
    case 'slot scarce':
      return 'slot at risk'
    case 'publisher silent':
      return 'silent'
    case 'no slot':
    case 'slot lost':
    case 'not followed':
      return kind
    case 'log late':
    case 'log unknown':
      return null
    default:
      return unreachable(kind)
  }
}

/** Of the log itself the services tell: each is read beside its stream. */
function logVerdict(faults: readonly SourceFault[], services: LagReport['services']): Verdict {
  if (!services.some(isKnown)) return { tone: 'unknown', text: 'unknown' }
  const late = faults.find(({ kind }) => kind === 'log late')
  return late === undefined ? { tone: 'calm', text: 'reached' } : { tone: late.tone, text: 'late' }
}

/** How fast a drawing moves: 0 not at all, then a step for each power of ten. */
export function speedOf(perSecond: number | null): 0 | 1 | 2 | 3 {
  if (perSecond === null || perSecond < 0.05) return 0
  if (perSecond < 10) return 1
  return perSecond < 100 ? 2 : 3
}
