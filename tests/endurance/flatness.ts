/** A figure that was looked at again and again, in order. */
export type Series = readonly number[]

export interface Growth {
  readonly from: number
  readonly to: number
  readonly isFlat: boolean
}

/** What a figure may grow from its first third to its last, as a part of it and beside that. */
export interface Margin {
  readonly part: number
  readonly more: number
}

/** A process fills caches and compiles itself in the beginning. */
const WARM_UP_PART = 0.2

/** Compares the medians of the first and the last third, after the warm-up. A leak grows with time; a heap that is collected does not. */
export function growthOf(series: Series, { more, part }: Margin): Growth {
  const warm = series.slice(Math.floor(series.length * WARM_UP_PART))
  const third = Math.max(1, Math.floor(warm.length / 3))
  const [from, to] = [medianOf(warm.slice(0, third)), medianOf(warm.slice(-third))]
  return { from, to, isFlat: to <= from * (1 + part) + more }
}

function medianOf(series: Series): number {
  const sorted = series.toSorted((one, other) => one - other)
  const value = sorted[Math.floor((sorted.length - 1) / 2)]
  if (value === undefined) throw new Error('Nothing was looked at')
  return value
}
