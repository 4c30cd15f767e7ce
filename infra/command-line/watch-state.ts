import type { ConsumerStatus } from '../../consumers/lag/judge-consumer.ts'
import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import type { Tone as JudgedTone } from '../../consumers/lag/verdict.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { Tone } from './terminal-line.ts'
import type { Display } from './terminal.ts'
import type { Controls } from './watch-keys.ts'

/** What the full-screen view shows. */
export interface WatchState {
  readonly contractSet: string
  readonly prefix: string
  /** In the order of the migration. */
  readonly services: readonly string[]
  /** The look that is shown; null before the first. */
  readonly look: LagLook | null
  /** When the latest look ended, shown or not, or else when the view began; in milliseconds since 1970, like `nowMs`. */
  readonly lookedAtMs: number
  readonly nowMs: number
  readonly controls: Controls
}

/** The screen that it is drawn for. */
export type Screen = Omit<Display, 'isTerminal'>

export function toneOf(status: ConsumerStatus | 'unknown'): Tone {
  switch (status) {
    case 'ok':
      return 'good'
    case 'warning':
    case 'parked':
      return 'fair'
    case 'stall':
    case 'stop':
    case 'unknown':
      return 'bad'
    default:
      return unreachable(status)
  }
}

/** What nobody can tell is as bad as it may be. */
export function shownTone(tone: JudgedTone): Tone {
  switch (tone) {
    case 'calm':
      return 'good'
    case 'busy':
      return 'busy'
    case 'warning':
    case 'parked':
      return 'fair'
    case 'unknown':
    case 'bad':
      return 'bad'
    default:
      return unreachable(tone)
  }
}
