import { type Sample, samePhase } from './judge-consumer.ts'

/** How fast a service comes on, by its consumer's last samples. */
export interface Pace {
  /** Messages applied in a second. */
  readonly messagesPerSecond: number
  /** By how many messages in a second the distance to the stream's end becomes smaller; below 0 where it grows. */
  readonly catchingUpPerSecond: number
  /** Rows of pages in a second, while it loads. */
  readonly rowsPerSecond: number
}

/** Older samples tell nothing of now. */
const RECENT_MS = 16_000

/** Until now, and not until the latest sample: a rate falls when nothing moves any more. */
export function paceOf(all: readonly Sample[]): Pace {
  const samples = samePhase(all.filter(({ ageMs }) => ageMs <= RECENT_MS))
  const [first, latest] = [samples.at(0), samples.at(-1)]
  if (first === undefined || latest === undefined || first === latest)
    return { messagesPerSecond: 0, catchingUpPerSecond: 0, rowsPerSecond: 0 }
  const seconds = first.ageMs / 1_000
  const loaded = (latest.loadedRows ?? 0) - (first.loadedRows ?? latest.loadedRows ?? 0)
  return {
    messagesPerSecond: (latest.applied - first.applied) / seconds,
    catchingUpPerSecond: (first.last - first.applied - (latest.last - latest.applied)) / seconds,
    rowsPerSecond: Math.max(0, loaded) / seconds,
  }
}

/** Null where it comes no nearer. */
export function secondsUntil(left: number, perSecond: number): number | null {
  if (left <= 0) return 0
  return perSecond > 0 ? left / perSecond : null
}
