import { bytesText, durationText } from './quantities.ts'
import type { Series } from './series.ts'

/** As uPlot takes it: times in seconds, then the values of each line. */
export type ChartData = [number[], ...(number | null)[][]]

export function lagData({ services, times }: Series, names: readonly string[]): ChartData {
  return [
    times.map((ms) => ms / 1_000),
    ...names.map((name) => (services[name] ?? []).map((point) => point?.appliedSeconds ?? null)),
  ]
}

/** What the slot keeps, and beside it the limit where one is. */
export function walData({ retainedBytes, times }: Series, limitBytes: number | null): ChartData {
  const seconds = times.map((ms) => ms / 1_000)
  return limitBytes === null
    ? [seconds, [...retainedBytes]]
    : [seconds, [...retainedBytes], times.map(() => limitBytes)]
}

/** On a scale that shows seconds and hours alike. */
const AGES = [0, 1, 3, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 604_800]
const LEAST_SHOWN_SECONDS = 3

/** Where the axis of ages ends: at the first of its marks that all are below. */
export function ageAxisEnd(largest: number): number {
  return AGES.find((age) => age >= Math.max(largest, LEAST_SHOWN_SECONDS)) ?? largest
}

export function ageMarks(end: number): number[] {
  return AGES.filter((age) => age <= end)
}

/** `0`, `30 s`, `5 min`, `1 h` */
export function ageMarkText(seconds: number): string {
  if (seconds === 0) return '0'
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

const STEPS = 4
const LEAST_STEP_BYTES = 1_000_000

/** Where the axis of bytes ends: at four round steps that all are below. */
export function byteAxisEnd(largest: number): number {
  const least = Math.max((largest * 1.05) / STEPS, LEAST_STEP_BYTES)
  const power = 10 ** Math.floor(Math.log10(least))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= least) ?? least
  return step * STEPS
}

export function byteMarks(end: number): number[] {
  return Array.from({ length: STEPS + 1 }, (_, index) => (index * end) / STEPS)
}

/** The chart of lag in a sentence, for whoever does not see it. */
export function lagSummary({ services, times }: Series, names: readonly string[]): string {
  const peaks = names.flatMap((name) => {
    const values = (services[name] ?? []).flatMap((point) => (point === null ? [] : [point.appliedSeconds]))
    return values.length === 0
      ? []
      : [{ name, peak: values.reduce((most, each) => Math.max(most, each), 0), now: values.at(-1) ?? 0 }]
  })
  const span = spanText(times)
  const [worst] = peaks.toSorted((one, other) => other.peak - one.peak)
  if (span === null || worst === undefined) return 'Nothing is drawn yet.'
  if (worst.peak < 0.05) return `In the last ${span} no service was behind.`
  const [furthest] = peaks.toSorted((one, other) => other.now - one.now)
  const now =
    furthest === undefined || furthest.now < 0.05
      ? 'now none is behind'
      : `now ${furthest.name} is the furthest behind, by ${durationText(furthest.now)}`
  return `In the last ${span} ${worst.name} was the furthest behind, by ${durationText(worst.peak)}; ${now}.`
}

export function walSummary({ retainedBytes, times }: Series): string {
  const values = retainedBytes.filter((bytes) => bytes !== null)
  const [first, latest] = [values.at(0), values.at(-1)]
  const span = spanText(times)
  if (span === null || first === undefined || latest === undefined) return 'Nothing is drawn yet.'
  const most = values.reduce((largest, bytes) => Math.max(largest, bytes), 0)
  return `In the last ${span}: from ${bytesText(first)} to ${bytesText(latest)}, ${bytesText(most)} at most.`
}

function spanText(times: readonly number[]): string | null {
  const [first, latest] = [times.at(0), times.at(-1)]
  return first === undefined || latest === undefined || latest <= first ? null : durationText((latest - first) / 1_000)
}
