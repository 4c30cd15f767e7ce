import { type CatalogIndex, type CatalogTable, tableOf, type TableName } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { isBookkeeping } from './bookkeeping-tables.ts'
import { byText } from './communities.ts'
import type { DraftKey, LeftTable } from './draft.ts'
import type { MonolithFacts, TableFacts } from './monolith-facts.ts'

/** A table that a contract can claim, with its key. */
export interface ClaimableTable {
  /** `schema.table`, quoted. */
  readonly id: string
  readonly table: CatalogTable
  readonly facts: TableFacts
  readonly key: DraftKey
  readonly keyIndex: CatalogIndex
}

export type LeftReason = 'bookkeeping' | 'foreign' | 'unlogged' | 'no key'

export interface UnclaimedTable extends TableName {
  readonly id: string
  readonly why: LeftReason
}

const REASONS: Readonly<Record<LeftReason, string>> = {
  bookkeeping: 'what a tool for migrations has run',
  foreign: 'a foreign table, whose rows are in another server',
  unlogged: 'unlogged, so that its changes are not in the WAL',
  'no key': 'WITHOUT A KEY, so that no contract can tell its rows apart',
}

/** Divides the monolith's tables, in the order of their names, into those that a contract can claim and the others. */
export function divideTables(facts: MonolithFacts): {
  readonly claimable: readonly ClaimableTable[]
  readonly unclaimed: readonly UnclaimedTable[]
} {
  const referred = referredTables(facts)
  const claimable: ClaimableTable[] = []
  const unclaimed: UnclaimedTable[] = []
  const tables = facts.userTables.flatMap((name) => tableOf(facts.catalog, name) ?? [])
  for (const table of tables.toSorted((a, b) => byText(tableSql(a), tableSql(b)))) {
    const id = tableSql(table)
    const own = facts.tables.get(id)
    const chosen = chooseKey(table)
    const why = reasonToLeave(table, referred.has(id)) ?? (chosen === null ? 'no key' : null)
    if (why === null && chosen !== null && own !== undefined) claimable.push({ id, table, facts: own, ...chosen })
    else unclaimed.push({ id, schema: table.schema, table: table.table, why: why ?? 'no key' })
  }
  return { claimable, unclaimed }
}

/** What others refer to is no bookkeeping, whatever it is called. */
function reasonToLeave(table: CatalogTable, isReferred: boolean): LeftReason | null {
  if (table.kind === 'f') return 'foreign'
  if (!isReferred && isBookkeeping(table.table)) return 'bookkeeping'
  return table.persistence === 'u' ? 'unlogged' : null
}

function referredTables({ catalog }: MonolithFacts): Set<string> {
  return new Set(
    [...catalog.tables.values()].flatMap((table) =>
      table.references.map(({ to }) => tableSql(to)).filter((to) => to !== tableSql(table)),
    ),
  )
}

/**
 * The primary key, else the unique index over columns that are never null that has the fewest of them; null where there
 * is neither. A generated column does not travel, and so cannot tell rows apart in the log.
 */
export function chooseKey(table: CatalogTable): { readonly key: DraftKey; readonly keyIndex: CatalogIndex } | null {
  const travelling = new Set(
    table.columns.filter(({ notNull, generated }) => notNull && !generated).map(({ name }) => name),
  )
  const fitting = table.indexes.filter(
    (index) => isWholeUnique(index) && index.columns.every((column) => column !== null && travelling.has(column)),
  )
  const [best] = fitting.toSorted((a, b) => keyRank(a) - keyRank(b) || byText(a.name, b.name))
  if (best === undefined) return null
  const on = best.columns.filter((column) => column !== null)
  return { keyIndex: best, key: { on, as: best.primary ? 'primary key' : 'unique index', name: best.name } }
}

/** Whether an index tells all rows apart, as PostgreSQL knows it by the values of columns alone. */
export function isWholeUnique(index: CatalogIndex): boolean {
  return (
    index.unique &&
    index.valid &&
    index.ready &&
    !index.partial &&
    !index.hasExpressions &&
    index.method === 'btree' &&
    index.columns.every((column) => column !== null)
  )
}

/** A deferrable constraint is checked late, so that what rests on it cannot be followed at every moment. */
function keyRank(index: CatalogIndex): number {
  if (index.primary) return 0
  return index.columns.length + (index.immediate ? 0 : 100)
}

/** The tables that stay behind, by the names by which a contract set leaves them. */
export function leftTables(unclaimed: readonly UnclaimedTable[]): LeftTable[] {
  return unclaimed.map(({ schema, table, why }) => ({ name: leftName(schema, table), reason: REASONS[why] }))
}

/** A table of `public` needs no schema, unless its own name could be taken for one with a schema. */
function leftName(schema: string, table: string): string {
  return schema === 'public' && !table.includes('.') ? table : `${schema}.${table}`
}
