import { comparePositions } from '../../contracts/positions.ts'

/**
 * Groups transactions that must be applied together, since later ones wait for rows of earlier ones.
 * @param positions in any order.
 * @param links pairs of positions among them.
 * @returns each group in the monolith's order, the groups by their first transactions.
 */
export function groupTransactions(
  positions: readonly string[],
  links: readonly (readonly [earlier: string, later: string])[],
): string[][] {
  const parents = new Map(positions.map((position) => [position, position]))
  for (const [earlier, later] of links) parents.set(rootOf(parents, later), rootOf(parents, earlier))
  const groups = new Map<string, string[]>()
  for (const position of positions.toSorted(comparePositions)) {
    const root = rootOf(parents, position)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [position])
    else group.push(position)
  }
  return [...groups.values()]
}

/** Each that is passed on the way is brought nearer to its root, so that long chains are short the next time. */
function rootOf(parents: Map<string, string>, position: string): string {
  let at = position
  for (;;) {
    const parent = parents.get(at)
    if (parent === undefined) throw new Error(`A link names ${at}, of which nothing waits`)
    if (parent === at) return at
    const grandparent = parents.get(parent) ?? parent
    parents.set(at, grandparent)
    at = grandparent
  }
}
