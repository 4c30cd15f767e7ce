import type { Service } from '../../contracts/language/contract-set.ts'
import type { ReplayPair, ReplayRun } from './replay-run.ts'
import type { Scenario } from './scenario.ts'
import { median, pairedRatio, range } from './statistics.ts'

/** What one way of rebuilding took. Times in seconds, sizes in bytes. */
export interface Rebuilding {
  /** The median of the whole process. */
  readonly seconds: number
  readonly leastSeconds: number
  readonly mostSeconds: number
  /** The median of each process, those that it started included, and of the servers meanwhile. */
  readonly cpuSeconds: Readonly<Record<string, number>>
  /** The median of each step, as the command tells it. */
  readonly steps: Readonly<Record<string, number>>
  /** The whole process by pg_restore: the median of the pairs. */
  readonly ratio: number | null
  /** Loading and building alone, by pg_restore. */
  readonly loadingRatio: number | null
  /** The largest resident set of the process, in any run. */
  readonly peakBytes: number | null
}

/** Everything that is told of a scenario's replays. */
export interface ReplaySummary {
  readonly scenario: string
  readonly title: string
  readonly service: string
  readonly tables: number
  readonly pairs: number
  /** Sessions on our side, jobs on that of pg_restore. */
  readonly jobs: number
  readonly swapped: Rebuilding
  readonly into: Rebuilding
  readonly restore: Pick<Rebuilding, 'seconds' | 'leastSeconds' | 'mostSeconds' | 'cpuSeconds'>
}

/** What fills the tables, their indexes and foreign keys, and the ledger; the other steps prove, swap and clean up. */
const LOADING_STEP = 'loaded'

/** Judges what was measured. */
export function summariseReplays(
  { scenario, service }: { readonly scenario: Scenario; readonly service: Service },
  jobs: number,
  pairs: readonly ReplayPair[],
): ReplaySummary {
  return {
    scenario: scenario.name,
    title: scenario.title,
    service: service.name,
    tables: service.entities.length,
    pairs: pairs.length,
    jobs,
    swapped: rebuilding(pairs, ({ swapped }) => swapped),
    into: rebuilding(pairs, ({ into }) => into),
    restore: times(pairs.map(({ restore }) => restore)),
  }
}

function rebuilding(pairs: readonly ReplayPair[], of: (pair: ReplayPair) => ReplayRun): Rebuilding {
  const runs = pairs.map(of)
  const ratio = (ours: (run: ReplayRun) => number): number | null =>
    pairedRatio(pairs.map((pair) => ({ ours: ours(of(pair)), theirs: pair.restore.seconds })))
  const peaks = runs.flatMap(({ usage }) => usage['replay']?.peakBytes ?? [])
  return {
    ...times(runs),
    steps: medians(runs.map(({ steps }) => steps)),
    ratio: ratio(({ seconds }) => seconds),
    loadingRatio: ratio(({ steps }) => steps[LOADING_STEP] ?? 0),
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks),
  }
}

function times(runs: readonly Pick<ReplayRun, 'seconds' | 'usage'>[]): ReplaySummary['restore'] {
  const seconds = runs.map((run) => run.seconds)
  const between = range(seconds)
  return {
    seconds: median(seconds) ?? 0,
    leastSeconds: between?.least ?? 0,
    mostSeconds: between?.most ?? 0,
    cpuSeconds: medians(
      runs.map(({ usage }) =>
        Object.fromEntries(Object.entries(usage).map(([name, { cpuSeconds }]) => [name, cpuSeconds])),
      ),
    ),
  }
}

function medians(figures: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(figures.flatMap((of) => Object.keys(of)))
  return Object.fromEntries([...names].map((name) => [name, median(figures.flatMap((of) => of[name] ?? [])) ?? 0]))
}
