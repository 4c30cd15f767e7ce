import { haveOneFirstWord, isCalledAfter } from './kinship.ts'
import type { GraphLink, GraphTable, LinkStrength, TableGraph } from './table-graph.ts'

const STRENGTHS: Readonly<Record<LinkStrength, number>> = { owned: 3, required: 2, optional: 1, loose: 0.5 }

/** A row that its parent's key is a part of, as an order's line, is hardly more than a part of the parent. */
const IN_KEY = 1

/** What each table that is called after the parent adds to the ties of all of them: they are one family. */
const FAMILY_STEP = 1

/** Tables of one first word, as `shop_order` and `shop_cart`, belong to one part of the application more often than not. */
const SAME_FIRST_WORD = 1.25

/** Schemas are borders that somebody drew on purpose. */
const OTHER_SCHEMA = 0.25

/** The weights of the ties between tables: by the id of one, then of the other, both ways round. */
export type Weights = ReadonlyMap<string, ReadonlyMap<string, number>>

/**
 * How strongly each two tables are tied. A foreign key counts by its strength, and the less the more strangers refer to
 * the same table: what all refer to (users, products) says nothing of who belongs together. Of several foreign keys
 * between two tables the strongest counts.
 */
export function weighLinks({ tables, links }: TableGraph): Weights {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const strangers = strangersOf({ tables, links })
  const families = new Map(tables.map(({ id, table }) => [id, familySize(links, byId, id, table)]))
  const weights = new Map(tables.map(({ id }) => [id, new Map<string, number>()]))
  for (const link of links) {
    const [from, to] = [byId.get(link.from), byId.get(link.to)]
    if (from === undefined || to === undefined || from === to) continue
    const others = strangers.get(to.id)?.size ?? 0
    const weight = linkWeight(link, from, to, families.get(to.id) ?? 0) / Math.sqrt(Math.max(1, others))
    const strongest = Math.max(weight, weights.get(from.id)?.get(to.id) ?? 0)
    weights.get(from.id)?.set(to.id, strongest)
    weights.get(to.id)?.set(from.id, strongest)
  }
  return weights
}

/** For each table those that refer to it without being called after it or joining it with another one. */
export function strangersOf({ tables, links }: TableGraph): Map<string, Set<string>> {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const strangers = new Map(tables.map(({ id }) => [id, new Set<string>()]))
  for (const link of links) {
    const [from, to] = [byId.get(link.from), byId.get(link.to)]
    if (from === undefined || to === undefined || from === to || from.isJoin) continue
    if (!isCalledAfter(from.table, to.table)) strangers.get(to.id)?.add(from.id)
  }
  return strangers
}

function familySize(
  links: readonly GraphLink[],
  byId: ReadonlyMap<string, GraphTable>,
  id: string,
  table: string,
): number {
  const children = links.filter(
    ({ from, to }) => to === id && from !== id && isCalledAfter(byId.get(from)?.table ?? '', table),
  )
  return new Set(children.map(({ from }) => from)).size
}

function linkWeight({ strength, isInKey }: GraphLink, from: GraphTable, to: GraphTable, family: number): number {
  const base = STRENGTHS[strength] + (isInKey ? IN_KEY : 0)
  const border = from.schema === to.schema ? 1 : OTHER_SCHEMA
  if (isCalledAfter(from.table, to.table)) return base * border * (1 + FAMILY_STEP * family)
  return base * border * (haveOneFirstWord(from.table, to.table) ? SAME_FIRST_WORD : 1)
}
