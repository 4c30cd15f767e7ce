/** A value in time; null where nothing could be told. */
export interface TimedValue {
  readonly atMs: number
  readonly value: number | null
}

const BLOCKS = '▁▂▃▄▅▆▇█'
const ASCII = ' .:-=+*#'
const UNKNOWN = '?'

/** A lag below this is level to the eye: half a second is no mountain, and a line that is level is flat. */
const LEAST_TOP = 1

/**
 * The latest values as a line of so many cells, each the greatest of its share of the span; `?` where none of a share was
 * known, blank where nobody had looked yet.
 */
export function sparkline(
  values: readonly TimedValue[],
  { isUnicode, spanMs, width }: { readonly isUnicode: boolean; readonly spanMs: number; readonly width: number },
): string {
  const steps = isUnicode ? BLOCKS : ASCII
  const shares = sharesOf(values, spanMs, width)
  const top = Math.max(LEAST_TOP, ...shares.map((share) => (typeof share === 'number' ? share : 0)))
  return shares
    .map((share) => {
      if (share === undefined) return ' '
      if (share === null) return UNKNOWN
      const step = Math.round((share / top) * (steps.length - 1))
      // What is there is seen, however small it is beside the greatest.
      return steps[share > 0 ? Math.max(1, step) : 0] ?? ' '
    })
    .join('')
}

/** Shares of whole seconds that begin at fixed times, so that a picture moves to the left and does not flicker. */
function sharesOf(values: readonly TimedValue[], spanMs: number, width: number): (number | null | undefined)[] {
  const shareMs = Math.max(1, Math.ceil(spanMs / 1_000 / Math.max(1, width))) * 1_000
  const shares = Array.from<number | null | undefined>({ length: width })
  const last = Math.floor((values.at(-1)?.atMs ?? 0) / shareMs)
  for (const { atMs, value } of values) {
    const index = width - 1 - (last - Math.floor(atMs / shareMs))
    if (index < 0 || index >= width) continue
    const before = shares[index]
    shares[index] = typeof before === 'number' && value !== null ? Math.max(before, value) : (value ?? before ?? null)
  }
  return filledGaps(shares)
}

/** A look that took long leaves shares without one: what it told holds for the time that it took. */
function filledGaps(shares: readonly (number | null | undefined)[]): (number | null | undefined)[] {
  const first = shares.findIndex((share) => share !== undefined)
  let next: number | null | undefined
  return shares
    .map((_, index) => shares.length - 1 - index)
    .map((index) => (next = shares[index] === undefined && index > first && first >= 0 ? next : shares[index]))
    .toReversed()
}
