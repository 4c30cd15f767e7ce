/** What a consumer wrote down of one second. */
export interface Sample {
  readonly ageMs: number
  /** All messages up to it were applied; while the service loaded, or held until its tables are complete. */
  readonly applied: number
  /** The last message that was read, and the stream's last one. */
  readonly read: number
  readonly last: number
  /** Rows of pages, while the service loaded; null after that. */
  readonly loadedRows: number | null
  /** Bytes that had passed in the sessions that load and change rows. */
  readonly traffic: number
}

/**
 * How a service's consumer does: `ok`; `warning`, it works and falls behind; `stall`, it is there and nothing moves;
 * `stop`, nobody is there; `parked`, it works and an operator has set changes aside.
 */
export type ConsumerStatus = 'ok' | 'warning' | 'stall' | 'stop' | 'parked'

export interface ConsumerState {
  /** Whether somebody holds the service's lease. */
  readonly isConsumed: boolean
  /** While indexes are built nothing is read. */
  readonly isBuilding: boolean
  /** While it loads it reads as fast as its tables take rows, and the publisher may write faster. */
  readonly isLoading: boolean
  /** Messages of the stream that are not applied. */
  readonly messages: number
  readonly parked: number
  /** The oldest first. */
  readonly samples: readonly Sample[]
}

/** A consumer that is there writes a sample each second: one that has written none for so long hangs. */
const SILENT_MS = 16_000
/** Nothing is said of a consumer that was watched for less. */
const WATCHED_MS = 10_000

/**
 * Tells it from the consumer's own samples, with nothing to tune, as Burrow does for Kafka: whoever has fallen further
 * behind at each look and was level at none is slow, and whoever has not moved though there was something to do hangs. What
 * is applied moves at the end of a transaction alone; within it rows move to the database.
 */
export function judgeConsumer({
  isBuilding,
  isConsumed,
  isLoading,
  messages,
  parked,
  samples: all,
}: ConsumerState): ConsumerStatus {
  if (!isConsumed) return 'stop'
  const samples = samePhase(all.filter(({ ageMs }) => ageMs <= SILENT_MS))
  const hasWork = messages > 0 && !isBuilding
  if (hasWork && all.length > 0 && samples.length === 0) return 'stall'
  const [first, latest] = [samples.at(0), samples.at(-1)]
  const isWatched = first !== undefined && latest !== undefined && first.ageMs - latest.ageMs >= WATCHED_MS
  if (hasWork && isWatched && samples.every(({ applied, last }) => last > applied)) {
    if (latest.applied === first.applied && latest.traffic === first.traffic) return 'stall'
    if (!isLoading && isFallingBehind(samples)) return 'warning'
  }
  return parked > 0 ? 'parked' : 'ok'
}

/** What was held while the tables were loaded counts as done then, and is to be done afterwards: the two do not compare. */
export function samePhase(samples: readonly Sample[]): Sample[] {
  const wasLoading = (sample: Sample | undefined): boolean => (sample?.loadedRows ?? null) !== null
  const other = samples.findLastIndex((sample) => wasLoading(sample) !== wasLoading(samples.at(-1)))
  return samples.slice(other + 1)
}

function isFallingBehind(samples: readonly Sample[]): boolean {
  const behind = samples.map(({ applied, last }) => last - applied)
  return behind.every((now, index) => now >= (behind[index - 1] ?? 0)) && (behind.at(-1) ?? 0) > (behind[0] ?? 0)
}
