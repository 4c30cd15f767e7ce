import { byText, findCommunities } from './communities.ts'
import { isCalledAfter, wordsOf } from './kinship.ts'
import { strangersOf, weighLinks } from './link-weights.ts'
import { connectedParts, type GraphLink, type GraphTable, type TableGraph } from './table-graph.ts'

/** A service that nobody can keep in mind is a monolith again. */
export const MOST_TABLES = 15

/** A table that so many strangers refer to is a hub. */
const HUB_STRANGERS = 4

/** What is so small, and referred to from one place alone, is a lookup of that place. */
const LOOKUP_TABLES = 2

/** With more tables than this that no foreign key ties to anything, their names decide what goes together. */
const MOST_LONE_TABLES = 8

/** For each table those that refer to it and are no kin of it. */
type Strangers = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Proposes services from the graph of foreign keys: groups of the tables' ids, each of at least one table. It is a
 * proposal, made from structure and names alone, the same for the same tables; docs/own-monolith.md says how it is
 * found: communities, without what is tied loosely or by a hub alone, and with join tables, lookups and namesakes.
 */
export function proposeServices(graph: TableGraph): string[][] {
  const ids = graph.tables.map(({ id }) => id).toSorted(byText)
  const tight = graph.links.filter(({ strength }) => strength !== 'loose')
  const communities = findCommunities(ids, weighLinks(graph), MOST_TABLES).flatMap((members) =>
    connectedParts(members, tight),
  )
  const strangers = strangersOf(graph)
  const groups = mergeDependents(
    communities.flatMap((members) => leaveHubs(graph, members, strangers)),
    graph,
  )
  return gatherLoneTables(groups, graph)
    .map((members) => members.toSorted(byText))
    .toSorted(([a = ''], [b = '']) => byText(a, b))
}

/**
 * Takes out of a group what a hub alone holds in it: that all refer to users does not make one service of all. What
 * stays with the hub is what joins it, is called after it, is referred to by it, or is most of the group.
 */
function leaveHubs(graph: TableGraph, members: readonly string[], strangers: Strangers): string[][] {
  const count = (id: string): number => strangers.get(id)?.size ?? 0
  const hubs = members
    .filter((id) => count(id) >= HUB_STRANGERS)
    .toSorted((a, b) => count(b) - count(a) || byText(a, b))
  for (const hub of hubs) {
    const others = members.filter((id) => id !== hub)
    const leaving = connectedParts(others, graph.links).filter((part) => !staysWith(graph, hub, part, others.length))
    if (leaving.length === 0) continue
    const gone = new Set(leaving.flat())
    const left = members.filter((id) => !gone.has(id))
    return [left, ...leaving].flatMap((part) => leaveHubs(graph, part, strangers))
  }
  return [[...members]]
}

function staysWith({ tables, links }: TableGraph, hub: string, part: readonly string[], of: number): boolean {
  const nameOf = (id: string): string => tables.find((table) => table.id === id)?.table ?? ''
  const isJoin = (id: string): boolean => tables.some((table) => table.id === id && table.isJoin)
  return (
    part.length > of / 2 ||
    part.some((id) => isCalledAfter(nameOf(id), nameOf(hub))) ||
    links.some(({ from, to }) => to === hub && part.includes(from) && isJoin(from)) ||
    links.some(({ from, to }) => from === hub && part.includes(to))
  )
}

/**
 * Joins a group to the one other group that it is tied to, where join tables alone tie them, or where it is a lookup.
 * The smallest come first, so that chains of lookups end where they lead.
 */
function mergeDependents(groups: readonly string[][], { tables, links }: TableGraph): string[][] {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const tight = links.filter(({ strength }) => strength !== 'loose')
  let current = [...groups]
  for (;;) {
    const merge = nextMerge(current, tight, byId)
    if (merge === null) return current
    current = [
      ...current.filter((group) => group !== merge.group && group !== merge.into),
      merge.into.concat(merge.group),
    ]
  }
}

type Tables = ReadonlyMap<string, GraphTable>

interface GroupMerge {
  readonly group: string[]
  readonly into: string[]
}

function nextMerge(groups: readonly string[][], links: readonly GraphLink[], tables: Tables): GroupMerge | null {
  const groupOf = new Map(groups.flatMap((group) => group.map((id) => [id, group] as const)))
  const outside = new Map<string[] | undefined, GraphLink[]>(groups.map((group) => [group, []]))
  for (const link of links)
    if (groupOf.get(link.from) !== groupOf.get(link.to))
      for (const id of [link.from, link.to]) outside.get(groupOf.get(id))?.push(link)
  for (const group of groups.toSorted((a, b) => a.length - b.length || byText(a[0] ?? '', b[0] ?? ''))) {
    const own = outside.get(group) ?? []
    const others = new Set(own.flatMap(({ from, to }) => [groupOf.get(from), groupOf.get(to)]))
    others.delete(group)
    const [into] = others
    if (into === undefined || others.size > 1 || into.length + group.length > MOST_TABLES) continue
    if (own.every(({ from }) => tables.get(from)?.isJoin) || isLookup(group, own, tables)) return { group, into }
  }
  return null
}

/** A schema is a border that a lookup does not cross. */
function isLookup(group: readonly string[], outside: readonly GraphLink[], tables: Tables): boolean {
  if (group.length > LOOKUP_TABLES) return false
  return outside.every(({ from, to }) => group.includes(to) && tables.get(from)?.schema === tables.get(to)?.schema)
}

/**
 * A few tables that nothing is tied to are a service each. Where there are many, as in a database without foreign keys,
 * those of one first word are a service, and the rest is one.
 */
function gatherLoneTables(groups: readonly string[][], { tables, links }: TableGraph): string[][] {
  const tied = new Set(links.filter(({ from, to }) => from !== to).flatMap(({ from, to }) => [from, to]))
  const isLone = (group: readonly string[]): boolean => group.every((id) => !tied.has(id))
  const lone = groups.filter(isLone).flat()
  if (lone.length <= MOST_LONE_TABLES) return [...groups]
  const named = new Map<string, string[]>()
  for (const id of lone) {
    const { schema, table } = tables.find((other) => other.id === id) ?? { schema: '', table: '' }
    const name = JSON.stringify([schema, wordsOf(table)[0] ?? ''])
    named.set(name, [...(named.get(name) ?? []), id])
  }
  const families = [...named.values()].filter((family) => family.length > 1)
  const rest = [...named.values()].filter((family) => family.length === 1).flat()
  return [...groups.filter((group) => !isLone(group)), ...families, ...(rest.length > 0 ? [rest] : [])]
}
