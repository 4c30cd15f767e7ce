/** The middle value; the mean of the two in the middle where their number is even; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

/** What two who were measured one after the other took, in seconds. */
export interface Pair {
  readonly ours: number
  readonly theirs: number
}

/**
 * Ours by theirs: the median of the ratios of the pairs, and not the ratio of the medians, since the two of a pair
 * had the same weather. Null where there is no pair.
 */
export function pairedRatio(pairs: readonly Pair[]): number | null {
  for (const { ours, theirs } of pairs)
    if (!(ours > 0 && theirs > 0)) throw new Error(`A pair of ${ours} s and ${theirs} s was not measured`)
  return median(pairs.map(({ ours, theirs }) => ours / theirs))
}

/** The least and the largest; null of none. */
export function range(values: readonly number[]): { readonly least: number; readonly most: number } | null {
  return values.length === 0 ? null : { least: Math.min(...values), most: Math.max(...values) }
}

/** A ratio, where both are known and the divisor is not zero. */
export function quotient(dividend: number | null, divisor: number | null): number | null {
  return dividend === null || divisor === null || divisor === 0 ? null : dividend / divisor
}

/** The value that so many of a hundred do not pass (nearest rank); null of none. */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? null
}
