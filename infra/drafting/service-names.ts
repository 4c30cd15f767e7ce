import { byText } from './communities.ts'
import { isCalledAfter, wordsOf } from './kinship.ts'
import type { TableGraph } from './table-graph.ts'

/** As long as a contract set lets a name be. */
const MOST_CHARACTERS = 31

const MONOLITH = 'monolith'

/**
 * A name that a service or a contract set may have, made of any text: lower-case words of letters and digits, joined
 * with `_`. Letters lose their accents; where nothing is left, `fallback` is the name.
 */
export function plainName(text: string, fallback: string): string {
  const words = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[_0-9]+|_+$/g, '')
  const cut = words.slice(0, MOST_CHARACTERS).replace(/_+$/, '')
  return cut === '' ? fallback : cut
}

/**
 * Names each group of tables after its central one.
 * @param taken names that are given already.
 * @returns the groups by their names, in the order in which they are to be migrated.
 */
export function nameServices(
  groups: readonly (readonly string[])[],
  graph: TableGraph,
  taken: ReadonlySet<string>,
): Map<string, readonly string[]> {
  const used = new Set([...taken, MONOLITH])
  const named = new Map<string, readonly string[]>()
  for (const group of groups) {
    const name = unusedName(plainName(nameOfGroup(group, graph), 'service'), used)
    used.add(name)
    named.set(name, group)
  }
  return named
}

/** A name, with a number behind it where it is used already. */
function unusedName(name: string, used: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const ending = number === 1 ? '' : `_${number}`
    const candidate = name.slice(0, MOST_CHARACTERS - ending.length) + ending
    if (!used.has(candidate)) return candidate
  }
}

/** Lone tables are called after the word that all of them begin with, if there is one. */
function nameOfGroup(group: readonly string[], graph: TableGraph): string {
  const members = graph.tables.filter(({ id }) => group.includes(id))
  const isTied = graph.links.some(({ from, to }) => from !== to && group.includes(from) && group.includes(to))
  if (members.length === 1 || isTied) return centralTable(group, graph)
  const [word, ...others] = new Set(members.map(({ table }) => wordsOf(table)[0] ?? ''))
  return others.length === 0 ? (word ?? '') : 'other'
}

/**
 * The one that most others of the group refer to, or are called after; of equals the one that most of all refer to, then
 * the one with the shortest name.
 */
function centralTable(group: readonly string[], { tables, links }: TableGraph): string {
  const joins = new Set(tables.filter(({ isJoin }) => isJoin).map(({ id }) => id))
  const referring = (id: string, among: (from: string) => boolean): number =>
    new Set(links.filter(({ from, to }) => to === id && from !== id && among(from)).map(({ from }) => from)).size
  const members = tables.filter(({ id }) => group.includes(id))
  const namesakes = (own: string): number => members.filter(({ table }) => isCalledAfter(table, own)).length
  const [central] = members
    .map(({ id, table }) => ({
      id,
      table,
      inside: joins.has(id) ? -1 : referring(id, (from) => group.includes(from) && !joins.has(from)) + namesakes(table),
      everywhere: referring(id, () => true),
    }))
    .toSorted(
      (a, b) =>
        b.inside - a.inside || b.everywhere - a.everywhere || a.table.length - b.table.length || byText(a.id, b.id),
    )
  return central?.table ?? ''
}

/**
 * The order of migration: a service comes when all that it refers to are there, or, in a circle, as many as can be. Of
 * equals, the one with more tables comes first, since others are more likely to need it.
 */
export function orderServices(
  services: ReadonlyMap<string, readonly string[]>,
  { links }: TableGraph,
): [string, readonly string[]][] {
  const owner = new Map([...services].flatMap(([name, ids]) => ids.map((id) => [id, name] as const)))
  const needs = new Map([...services.keys()].map((name) => [name, new Set<string>()]))
  for (const { from, to } of links) {
    const [own, other] = [owner.get(from), owner.get(to)]
    if (own !== undefined && other !== undefined && own !== other) needs.get(own)?.add(other)
  }
  return inOrderOfNeed([...services.keys()], needs, (name) => -(services.get(name)?.length ?? 0)).map((name) => [
    name,
    services.get(name) ?? [],
  ])
}

/**
 * Puts names in an order in which each comes behind those that it needs; in a circle the one that lacks the fewest comes
 * first. Of equals the smaller rank counts, then the name.
 */
export function inOrderOfNeed(
  names: readonly string[],
  needs: ReadonlyMap<string, ReadonlySet<string>>,
  rank: (name: string) => number = () => 0,
): string[] {
  const left = new Set(names.toSorted((a, b) => rank(a) - rank(b) || byText(a, b)))
  const ordered: string[] = []
  while (left.size > 0) {
    const lacks = (name: string): number => [...(needs.get(name) ?? [])].filter((need) => left.has(need)).length
    const candidates = [...left].map((name) => ({ name, lacking: lacks(name) }))
    const fewest = Math.min(...candidates.map(({ lacking }) => lacking))
    const next = candidates.find(({ lacking }) => lacking === fewest)
    if (next === undefined) break
    left.delete(next.name)
    ordered.push(next.name)
  }
  return ordered
}
