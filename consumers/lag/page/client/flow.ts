import { isKnown, type LagReport } from '../../lag-report.ts'
import { inflowPerSecond, type Series } from './series.ts'
import { ageText, type Tone, type Verdict, verdictOf } from './words.ts'

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
export function flowOf({ monolith, services }: LagReport, series: Series): Flow {
  const known = services.filter(isKnown)
  const inflows = known.map(({ service }) => inflowPerSecond(series, service))
  const inflow = inflows.every((rate) => rate === null)
    ? null
    : inflows.reduce<number>((sum, rate) => sum + (rate ?? 0), 0)
  const publisher = publisherOf(monolith)
  // One publisher writes all, so that each service tells the same of this hop.
  const [first] = known
  const toLog =
    first === undefined || monolith === null ? 'lag unknown' : `log ${behindText(ageText(first.hops.toLog))}`
  return {
    monolith: { name: 'Monolith', ...publisher, note: monolith === null ? '' : monolith.position },
    toLog: { perSecond: inflow, tone: publisher.tone },
    log: { name: 'Log', ...logVerdict(services), note: toLog },
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

function publisherOf(monolith: LagReport['monolith']): Verdict {
  if (monolith === null) return { tone: 'unknown', text: 'unknown' }
  const { slot } = monolith
  if (slot === null) return { tone: 'busy', text: 'no slot' }
  if (slot.walStatus === 'lost') return { tone: 'bad', text: 'slot lost' }
  return slot.isFollowed ? { tone: 'calm', text: 'followed' } : { tone: 'warning', text: 'not followed' }
}

/** Of the log itself the services tell: each is read beside its stream. */
function logVerdict(services: LagReport['services']): Verdict {
  return services.some(isKnown) ? { tone: 'calm', text: 'reached' } : { tone: 'unknown', text: 'unknown' }
}

/** How fast a drawing moves: 0 not at all, then a step for each power of ten. */
export function speedOf(perSecond: number | null): 0 | 1 | 2 | 3 {
  if (perSecond === null || perSecond < 0.05) return 0
  if (perSecond < 10) return 1
  return perSecond < 100 ? 2 : 3
}
