import type { Weights } from './link-weights.ts'

/** Above 1, so that many small groups are found rather than a few large ones. */
const RESOLUTION = 1.2

/** Differences below it are those of the arithmetic, not of the tables. */
const LEAST_GAIN = 1e-9

interface Merge {
  readonly into: string
  readonly from: string
  readonly gain: number
}

/**
 * Groups what is tied more closely among itself than chance would have it: beginning with each table alone, the two
 * groups whose union raises the modularity most are joined, until none does (Clauset, Newman and Moore, 2004). Of equal
 * gains the first by name counts, so that the same tables always give the same groups.
 * @param largest no group grows beyond so many tables.
 */
export function findCommunities(ids: readonly string[], weights: Weights, largest: number): string[][] {
  const groups = new Map(ids.toSorted(byText).map((id) => [id, [id]]))
  const ties = new Map([...groups.keys()].map((id) => [id, new Map(weights.get(id) ?? [])]))
  const degrees = new Map([...ties].map(([id, own]) => [id, sum(own.values())]))
  const total = sum(degrees.values()) / 2
  if (total === 0) return [...groups.values()]
  for (;;) {
    const merge = bestMerge(groups, ties, degrees, { total, largest })
    if (merge === null) return [...groups.values()]
    join(groups, ties, degrees, merge)
  }
}

function bestMerge(
  groups: ReadonlyMap<string, readonly string[]>,
  ties: Weights,
  degrees: ReadonlyMap<string, number>,
  { total, largest }: { readonly total: number; readonly largest: number },
): Merge | null {
  let best: Merge | null = null
  for (const [into, members] of groups)
    for (const [from, weight] of ties.get(into) ?? []) {
      const fits = members.length + (groups.get(from)?.length ?? 0) <= largest
      if (!fits || byText(into, from) >= 0) continue
      const expected = ((degrees.get(into) ?? 0) * (degrees.get(from) ?? 0)) / (2 * total)
      const gain = weight - RESOLUTION * expected
      if (gain > LEAST_GAIN && isBetter({ into, from, gain }, best)) best = { into, from, gain }
    }
  return best
}

function isBetter(merge: Merge, best: Merge | null): boolean {
  if (best === null || merge.gain > best.gain + LEAST_GAIN) return true
  if (merge.gain < best.gain - LEAST_GAIN) return false
  return (byText(merge.into, best.into) || byText(merge.from, best.from)) < 0
}

function join(
  groups: Map<string, string[]>,
  ties: Map<string, Map<string, number>>,
  degrees: Map<string, number>,
  { into, from }: Merge,
): void {
  groups.set(into, [...(groups.get(into) ?? []), ...(groups.get(from) ?? [])])
  groups.delete(from)
  for (const [other, weight] of ties.get(from) ?? []) {
    ties.get(other)?.delete(from)
    if (other === into) continue
    const together = (ties.get(into)?.get(other) ?? 0) + weight
    ties.get(into)?.set(other, together)
    ties.get(other)?.set(into, together)
  }
  ties.delete(from)
  degrees.set(into, (degrees.get(into) ?? 0) + (degrees.get(from) ?? 0))
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0)
}

/** By UTF-16 code units: the same everywhere, whatever the locale. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
