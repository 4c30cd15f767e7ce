/** A table as the proposal of services sees it. */
export interface GraphTable {
  /** Tells it from all others. */
  readonly id: string
  readonly schema: string
  readonly table: string
  /** It has nothing but what two other tables' rows need to be paired, and a key of its own at most. */
  readonly isJoin: boolean
}

/**
 * How strongly a foreign key ties a row to the one that it refers to: `owned` rows go with it (NOT NULL, ON DELETE
 * CASCADE), `required` ones need it, `optional` ones may do without, and `loose` ones outlive it (SET NULL, SET DEFAULT).
 */
export type LinkStrength = 'owned' | 'required' | 'optional' | 'loose'

/** A foreign key between two tables. */
export interface GraphLink {
  readonly from: string
  readonly to: string
  readonly strength: LinkStrength
  /** Whether its columns are among those that tell the referring table's rows apart. */
  readonly isInKey: boolean
}

export interface TableGraph {
  readonly tables: readonly GraphTable[]
  readonly links: readonly GraphLink[]
}

/** The parts of a set of tables that hang together by links within the set. Each is in the order of `ids`. */
export function connectedParts(ids: readonly string[], links: readonly GraphLink[]): string[][] {
  const neighbours = new Map(ids.map((id) => [id, new Set<string>()]))
  for (const { from, to } of links) {
    if (!neighbours.has(from) || !neighbours.has(to)) continue
    neighbours.get(from)?.add(to)
    neighbours.get(to)?.add(from)
  }
  const seen = new Set<string>()
  return ids.flatMap((id) => {
    if (seen.has(id)) return []
    const part = reachable(id, neighbours)
    for (const member of part) seen.add(member)
    return [ids.filter((member) => part.has(member))]
  })
}

function reachable(start: string, neighbours: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set([start])
  // A set that grows while it is walked through is walked to its end.
  for (const id of found) for (const next of neighbours.get(id) ?? []) found.add(next)
  return found
}
