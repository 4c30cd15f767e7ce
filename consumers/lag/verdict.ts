import { unreachable } from '../../contracts/failure.ts'
import { type Activity, activityOf } from './activity.ts'
import { isKnown, type UnknownService } from './lag-report.ts'
import type { ServiceLag } from './service-lag.ts'

/** How grave something is, for its colour and its icon: `calm` and `busy` need nobody. */
export type Tone = 'calm' | 'busy' | 'warning' | 'bad' | 'parked' | 'unknown'

export interface Verdict {
  readonly tone: Tone
  readonly text: string
}

const BY_GRAVITY: readonly Tone[] = ['calm', 'busy', 'parked', 'warning', 'unknown', 'bad']

/** The higher, the sooner somebody must come. */
export function gravityOf({ tone }: Pick<Verdict, 'tone'>): number {
  return BY_GRAVITY.indexOf(tone)
}

/** The gravest first; of two that are as grave the one that was first. */
export function byGravity<Judged extends Pick<Verdict, 'tone'>>(all: readonly Judged[]): Judged[] {
  return all.toSorted((one, other) => gravityOf(other) - gravityOf(one))
}

/** How a service is, in one or two words. */
export function verdictOf(lag: ServiceLag | UnknownService): Verdict {
  if (!isKnown(lag)) return { tone: 'unknown', text: 'unknown' }
  if (lag.status === 'warning') return { tone: 'warning', text: 'falling behind' }
  if (lag.status === 'stop' && lag.replay === 'running') return { tone: 'busy', text: 'replaying' }
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
