import { bytesText, durationText, numberWord } from './quantities.ts'
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

/** Less than this is no lag in a sentence. */
const LEVEL_SECONDS = 0.05

/** The chart of lag in a sentence, for whoever does not see it. */
export function lagSummary({ services, times }: Series, names: readonly string[]): string {
  const span = spanText(times)
  if (span === null) return 'Nothing is drawn yet.'
  const lines = names.map((name) => {
    const values = times.map((_, index) => services[name]?.[index]?.appliedSeconds ?? null)
    return { name, values, peak: Math.max(...values.map((value) => value ?? -1)), now: values.at(-1) ?? null }
  })
  const [worst] = lines.toSorted((one, other) => other.peak - one.peak)
  if (worst === undefined || worst.peak < 0) return `Nothing could be told in the last ${span}.`
  if (worst.peak < LEVEL_SECONDS) {
    const untold = untoldText(lines)
    return `In the last ${span} no service was behind${knownText(times, lines)}${untold === null ? '' : `; ${untold}`}.`
  }
  return `In the last ${span} ${worst.name} was the furthest behind, by ${durationText(worst.peak)}; ${nowText(lines)}.`
}

interface DrawnLine {
  readonly name: string
  /** At each of the times; null where nothing could be told. */
  readonly values: readonly (number | null)[]
  readonly now: number | null
}

function nowText(lines: readonly DrawnLine[]): string {
  const told = lines.filter(({ now }) => now !== null)
  const [furthest] = told.toSorted((one, other) => (other.now ?? 0) - (one.now ?? 0))
  const untold = untoldText(lines)
  if (furthest === undefined) return untold ?? ''
  const behind = furthest.now ?? 0
  const now =
    behind < LEVEL_SECONDS
      ? `now none ${untold === null ? '' : 'of the others '}is behind`
      : `now ${furthest.name} is the furthest behind, by ${durationText(behind)}`
  return untold === null ? now : `${now}, and ${untold}`
}

/** So many are named; more are counted. */
const NAMED = 3

function untoldText(lines: readonly DrawnLine[]): string | null {
  const untold = lines.filter(({ now }) => now === null)
  if (untold.length === 0) return null
  if (untold.length === lines.length && lines.length > 1) return 'of none of them anything can be told now'
  const names =
    untold.length > NAMED
      ? `${numberWord(untold.length)} services`
      : untold.map(({ name }) => name).join(untold.length === 2 ? ' and ' : ', ')
  return `of ${names} nothing can be told now`
}

/** Of how much of the time anything is known, where that is less than all of it. */
function knownText(times: readonly number[], lines: readonly DrawnLine[]): string {
  const isKnown = times.map((_, index) => lines.some(({ values }) => (values[index] ?? null) !== null))
  const knownMs = times.reduce((sum, atMs, index) => {
    const isSpan = index > 0 && isKnown[index] === true && isKnown[index - 1] === true
    return isSpan ? sum + atMs - (times[index - 1] ?? atMs) : sum
  }, 0)
  return isKnown.includes(false) ? `, as far as it is known: for ${durationText(knownMs / 1_000)} of them` : ''
}

export function walSummary({ retainedBytes, times }: Series): string {
  const values = retainedBytes.filter((bytes) => bytes !== null)
  const [first, latest] = [values.at(0), retainedBytes.at(-1) ?? null]
  const span = spanText(times)
  if (span === null || first === undefined) return 'Nothing is drawn yet.'
  const most = values.reduce((largest, bytes) => Math.max(largest, bytes), 0)
  return latest === null
    ? `In the last ${span}: ${bytesText(most)} at most; what it keeps now cannot be told.`
    : `In the last ${span}: from ${bytesText(first)} to ${bytesText(latest)}, ${bytesText(most)} at most.`
}

function spanText(times: readonly number[]): string | null {
  const [first, latest] = [times.at(0), times.at(-1)]
  return first === undefined || latest === undefined || latest <= first ? null : durationText((latest - first) / 1_000)
}
