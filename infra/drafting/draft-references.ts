import type { CatalogReference } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { ClaimableTable } from './claimable-tables.ts'
import type { DraftCrossReference, DraftReference } from './draft.ts'
import { ownReferences } from './monolith-graph.ts'

/** Where each claimed table goes: its service's and its entity's name, by the table's id. */
export type Placement = ReadonlyMap<
  string,
  { readonly service: string; readonly entity: string; readonly table: ClaimableTable }
>

/** A table's foreign keys inside its service, and those that cross to another one. */
export function draftReferences(
  claimed: ClaimableTable,
  placement: Placement,
): { readonly references: readonly DraftReference[]; readonly crossReferences: readonly DraftCrossReference[] } {
  const own = placement.get(claimed.id)?.service
  const references: DraftReference[] = []
  const crossReferences: DraftCrossReference[] = []
  for (const reference of ownReferences(claimed)) {
    const target = placement.get(tableSql(reference.to))
    if (target === undefined) continue
    const { onDelete, onUpdate, name } = reference
    const columns = pairedByKey(reference, target.table.key.on)
    if (target.service !== own) crossReferences.push({ ...columns, to: `${target.service}.${target.entity}`, onDelete })
    else if (whyUnheld(claimed, reference) === null)
      references.push({ ...columns, name, to: target.entity, onDelete, onUpdate })
  }
  return { references, crossReferences }
}

/** Why a foreign key is none that a service could hold from the first moment on, as a clause; null where it is. */
export function whyUnheld({ facts }: ClaimableTable, { name, validated }: CatalogReference): string | null {
  if (!validated) return 'is NOT VALID, so that rows may break it'
  return facts.foreignKeys.get(name)?.isDisabled === true ? 'is switched off, so that rows may break it' : null
}

/** A foreign key's pairs have no order of their own: they take that of the referred key, which then need not be named. */
function pairedByKey(
  { columns, toColumns }: CatalogReference,
  key: readonly string[],
): { readonly on: readonly string[]; readonly toColumns: readonly string[] } {
  const isKey = key.length === toColumns.length && key.every((name) => toColumns.includes(name))
  if (!isKey) return { on: columns, toColumns }
  return { on: key.flatMap((name) => columns[toColumns.indexOf(name)] ?? []), toColumns: [] }
}
