import type { CatalogIndex } from '../catalog/catalog.ts'
import { type ClaimableTable, isWholeUnique } from './claimable-tables.ts'
import type { DraftIndex } from './draft.ts'
import type { IndexFacts } from './monolith-facts.ts'

/** What a contract can say of a table's indexes beside the key's. */
export function draftIndexes(claimed: ClaimableTable): {
  readonly unique: readonly DraftIndex[]
  readonly indexes: readonly DraftIndex[]
} {
  const others = claimed.table.indexes.filter((index) => index !== claimed.keyIndex)
  const said = others.filter((index) => whyUnsaid(index, claimed.facts.indexes.get(index.name)) === null)
  return {
    unique: said.filter(({ unique }) => unique).map(indexOf),
    indexes: said.filter(({ unique }) => !unique).map(indexOf),
  }
}

/** A draft's index has no expressions. */
function indexOf({ name, columns }: CatalogIndex): DraftIndex {
  return { name, on: columns.filter((column) => column !== null) }
}

/** Why a contract cannot say an index at all, as a clause; null where it can. */
export function whyUnsaid(index: CatalogIndex, facts: IndexFacts | undefined): string | null {
  if (facts?.isExclusion === true) return 'is of an exclusion constraint'
  if (!index.valid || !index.ready) return 'is invalid'
  if (index.partial) return 'is partial'
  if (index.hasExpressions) return 'is over an expression'
  if (index.method !== 'btree') return `is of the kind ${index.method}`
  if (isWholeUnique(index) || facts === undefined) return null
  if (facts.operatorClass) return 'has an operator class of its own'
  return facts.collation ? 'has a collation of its own' : null
}

/** What an index that a contract says loses there, as the end of a sentence; null where it is whole. */
export function lostOf(index: CatalogIndex, facts: IndexFacts | undefined): string | null {
  if (facts === undefined) return null
  const lost = [
    [facts.descending, 'its order (DESC, NULLS FIRST)'],
    [facts.included, 'its INCLUDE columns'],
    [facts.nullsNotDistinct, 'NULLS NOT DISTINCT, so that several rows may be null there'],
    [facts.operatorClass, 'its operator class'],
    [facts.collation, 'its collation'],
    [!index.immediate, 'DEFERRABLE, so that it is checked at once'],
  ].flatMap(([isLost, what]) => (isLost === true ? [String(what)] : []))
  return lost.length === 0 ? null : lost.join(', ')
}
