import type { CatalogColumn } from '../catalog/catalog.ts'
import type { ClaimableTable } from './claimable-tables.ts'
import type { DraftColumn } from './draft.ts'
import type { ColumnFacts, ColumnNeed, MonolithFacts, OwnType } from './monolith-facts.ts'
import { mayBeSecret } from './secret-columns.ts'

/** A table's columns, in its order. */
export function draftColumns(claimed: ClaimableTable, { types }: Pick<MonolithFacts, 'types'>): DraftColumn[] {
  return claimed.table.columns.map((column) => {
    const facts = claimed.facts.columns.get(column.name)
    const ownType = facts === undefined ? undefined : types.get(facts.typeOid)
    const value = valueOf(column, facts)
    const needed = value.default === null && value.generated === null ? [] : (facts?.needs ?? [])
    return {
      name: column.name,
      type: column.type,
      isArray: facts?.isArray ?? false,
      ownType: ownType ?? null,
      alsoNeeds: neededTypes(needed, types, ownType),
      nullable: !column.notNull,
      identity: column.identity,
      ...value,
      isSecret: mayBeSecret(claimed.table.table, column.name, column.type),
      note: noteOf(column, facts),
    }
  })
}

/** Where a column's values come from when nobody gives one. */
function valueOf(column: CatalogColumn, facts: ColumnFacts | undefined): Pick<DraftColumn, 'default' | 'generated'> {
  const { expression, generated, identity } = column
  if (generated) return { default: null, generated: expression }
  if (expression === null || identity !== null || needsWhatIsLeft(column, facts))
    return { default: null, generated: null }
  return { default: withoutOwnCast(expression, column.type), generated: null }
}

/**
 * Whether a default rests on what stays in the monolith: a sequence, or a function or an operator that PostgreSQL does
 * not have of itself. A service's table could not be made with it.
 */
export function needsWhatIsLeft(column: CatalogColumn, facts: ColumnFacts | undefined): boolean {
  if (column.expression === null) return false
  return isSerial(column) || (facts?.needs ?? []).some(({ kind }) => kind !== 'type')
}

/** Whether a column's default is the next number of a sequence, as that of a `serial` column is. */
export function isSerial({ expression, identity, generated }: CatalogColumn): boolean {
  return identity === null && !generated && /\bnextval\(/.test(expression ?? '')
}

const TYPED_LITERAL = /^('(?:[^']|'')*')::(.+)$/

/** `'en'::text` in a column of type text says nothing that `'en'` does not. */
export function withoutOwnCast(expression: string, type: string): string {
  const [, literal, cast] = TYPED_LITERAL.exec(expression) ?? []
  return literal !== undefined && cast === type ? literal : expression
}

function neededTypes(
  needs: readonly ColumnNeed[],
  types: ReadonlyMap<string, OwnType>,
  own: OwnType | undefined,
): OwnType[] {
  return needs.flatMap(({ kind, oid }) => {
    const type = kind === 'type' ? types.get(oid) : undefined
    return type === undefined || type === own ? [] : [type]
  })
}

function noteOf(column: CatalogColumn, facts: ColumnFacts | undefined): string | null {
  if (facts?.isVirtual === true) return 'The monolith computes it when it is read; the service stores it.'
  if (!isSerial(column)) return null
  const sequence = facts?.sequence?.name ?? facts?.needs.find(({ kind }) => kind === 'sequence')?.name
  return sequence === undefined ? null : `The monolith numbers it by the sequence ${sequence}.`
}
