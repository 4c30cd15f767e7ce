import type { Age } from '../../../../infra/following/log-lag.ts'
import type { LagHistory, LagPoint } from '../../lag-history.ts'
import { isKnown, type LagReport } from '../../lag-report.ts'

/** What the page draws: the looks of the last minutes, as the server had them and as they came since. */
export interface Series extends Omit<LagHistory, 'slotSecondsLeft'> {
  /** Where each stream ended at each of these times; null where that is not told. */
  readonly lastSequences: Readonly<Record<string, readonly (number | null)[]>>
}

export type GivenHistory = Omit<LagHistory, 'slotSecondsLeft'>

export const NO_SERIES: Series = { times: [], services: {}, retainedBytes: [], lastSequences: {} }

/** As many as the server keeps: ten minutes, one look a second. */
const KEPT = 600
/** A line is broken where for so long nothing was seen. */
const GAP_MS = 5_000

/**
 * Adds a look. One that was seen already, as the first after a history may be, is not added twice. Where the server's clock
 * went back, what is later than the look is dropped: nothing would be drawn before that time has come again.
 */
export function withLook(seen: Series, report: LagReport, atMs: number): Series {
  if (seen.times.at(-1) === atMs) return seen
  const series = before(seen, atMs)
  const latestMs = series.times.at(-1)
  const broken = latestMs !== undefined && atMs - latestMs > GAP_MS ? withGap(series, latestMs + 1) : series
  const known = new Map(report.services.filter(isKnown).map((lag) => [lag.service, lag]))
  const names = namesOf(broken, report)
  const add = <Value>(of: Readonly<Record<string, readonly (Value | null)[]>>, value: (name: string) => Value | null) =>
    Object.fromEntries(names.map((name) => [name, [...padded(of[name], broken.times.length), value(name)]]))
  return latestOf({
    times: [...broken.times, atMs],
    services: add<LagPoint>(broken.services, (name) => {
      const lag = known.get(name)
      if (lag === undefined) return null
      const { hops, messages, messagesPerSecond } = lag
      // What nothing tells is a gap, and no lag of none.
      if (isUntold(hops.toDatabase)) return null
      return { appliedSeconds: hops.toDatabase.seconds, messages, messagesPerSecond }
    }),
    retainedBytes: [...broken.retainedBytes, report.monolith?.slot?.retainedBytes ?? null],
    lastSequences: add<number>(broken.lastSequences, (name) => known.get(name)?.lastSequence ?? null),
  })
}

/** What the server kept replaces what was drawn of the same time; what is older is kept, since a new server knows nothing of it. */
export function withHistory(series: Series, all: GivenHistory): Series {
  const given = ordered(all)
  const beginMs = given.times[0]
  if (beginMs === undefined) return series
  const kept = before(series, beginMs)
  const latestMs = kept.times.at(-1)
  const older = latestMs !== undefined && beginMs - latestMs > GAP_MS ? withGap(kept, latestMs + 1) : kept
  const names = [...new Set([...Object.keys(older.services), ...Object.keys(given.services)])]
  const length = older.times.length
  return latestOf({
    times: [...older.times, ...given.times],
    services: Object.fromEntries(
      names.map((name) => [
        name,
        [...padded(older.services[name], length), ...padded(given.services[name], given.times.length)],
      ]),
    ),
    retainedBytes: [...older.retainedBytes, ...given.retainedBytes],
    lastSequences: Object.fromEntries(
      names.map((name) => [name, [...padded(older.lastSequences[name], length), ...given.times.map(() => null)]]),
    ),
  })
}

/** Whether nothing tells of it: what is level with the log may be behind the monolith by anything. */
function isUntold({ bound, seconds }: Age): boolean {
  return bound === 'at least' && seconds === 0
}

/** Whether what the slot keeps becomes more; `unknown` where that was not seen for long enough. */
export type Growth = 'grows' | 'none' | 'unknown'

/** Over less than this nothing is said of growth: a slot moves on every quarter of a minute at best. */
const LEAST_GROWTH_MS = 60_000
const GROWTH_MS = 5 * 60_000

/** By the least that was kept in the former and in the latter half of the last minutes: what is kept rises and falls as a saw does. */
export function growthOf({ retainedBytes, times }: Pick<Series, 'retainedBytes' | 'times'>): Growth {
  const endMs = times.at(-1) ?? 0
  const known = times.flatMap((atMs, index) => {
    const bytes = retainedBytes[index] ?? null
    return bytes === null || atMs < endMs - GROWTH_MS ? [] : [{ atMs, bytes }]
  })
  const beginMs = known[0]?.atMs ?? endMs
  if ((known.at(-1)?.atMs ?? beginMs) - beginMs < LEAST_GROWTH_MS) return 'unknown'
  const middleMs = (beginMs + endMs) / 2
  const leastOf = (half: typeof known): number => half.reduce((least, { bytes }) => Math.min(least, bytes), Infinity)
  const former = leastOf(known.filter(({ atMs }) => atMs < middleMs))
  const latter = leastOf(known.filter(({ atMs }) => atMs >= middleMs))
  return latter > former ? 'grows' : 'none'
}

/** Messages that came into a stream in a second, over the last ten of them; null where nothing tells it yet. */
export function inflowPerSecond({ lastSequences, times }: Series, service: string): number | null {
  const from = Math.max(0, times.length - 11)
  const ends = (lastSequences[service] ?? [])
    .slice(from)
    .flatMap((sequence, index) => (sequence === null ? [] : [{ sequence, atMs: times[from + index] ?? 0 }]))
  const [first, latest] = [ends.at(0), ends.at(-1)]
  if (first === undefined || latest === undefined || latest.atMs <= first.atMs) return null
  return Math.max(0, latest.sequence - first.sequence) / ((latest.atMs - first.atMs) / 1_000)
}

function namesOf({ services }: Series, report: LagReport): string[] {
  return [...new Set([...report.services.map(({ service }) => service), ...Object.keys(services)])]
}

function padded<Value>(values: readonly (Value | null)[] | undefined, length: number): readonly (Value | null)[] {
  return values ?? Array.from({ length }, () => null)
}

function withGap(series: Series, atMs: number): Series {
  const addNull = <Value>(of: Readonly<Record<string, readonly (Value | null)[]>>) =>
    Object.fromEntries(Object.entries(of).map(([name, values]) => [name, [...values, null]]))
  return {
    times: [...series.times, atMs],
    services: addNull(series.services),
    retainedBytes: [...series.retainedBytes, null],
    lastSequences: addNull(series.lastSequences),
  }
}

/** What is of an earlier time. */
function before(series: Series, atMs: number): Series {
  const later = series.times.findIndex((ms) => ms >= atMs)
  return later < 0 ? series : sliced(series, 0, later)
}

/** Without what is later than a point behind it, as where the server's clock went back. */
function ordered({ retainedBytes, services, times }: GivenHistory): GivenHistory {
  let leastMs = Infinity
  const isKept = times.map(() => false)
  for (let index = times.length - 1; index >= 0; index -= 1) {
    const atMs = times[index] ?? Infinity
    isKept[index] = atMs < leastMs
    leastMs = Math.min(leastMs, atMs)
  }
  if (!isKept.includes(false)) return { retainedBytes, services, times }
  const keptOf = <Value>(values: readonly Value[]): Value[] => values.filter((_, index) => isKept[index])
  return {
    times: keptOf(times),
    services: Object.fromEntries(Object.entries(services).map(([name, points]) => [name, keptOf(points)])),
    retainedBytes: keptOf(retainedBytes),
  }
}

function latestOf(series: Series): Series {
  return series.times.length <= KEPT ? series : sliced(series, series.times.length - KEPT, series.times.length)
}

function sliced(series: Series, from: number, to: number): Series {
  const of = <Value>(all: Readonly<Record<string, readonly Value[]>>) =>
    Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.slice(from, to)]))
  return {
    times: series.times.slice(from, to),
    services: of(series.services),
    retainedBytes: series.retainedBytes.slice(from, to),
    lastSequences: of(series.lastSequences),
  }
}
