import type { CatalogReference } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { ClaimableTable } from './claimable-tables.ts'
import type { GraphLink, LinkStrength, TableGraph } from './table-graph.ts'

/** The foreign keys that are the table's own: those that PostgreSQL keeps beside them for partitions are left out. */
export function ownReferences({ table, facts }: ClaimableTable): CatalogReference[] {
  return table.references.filter(({ name }) => facts.foreignKeys.get(name)?.isDerived !== true)
}

/** The graph from which services are proposed. A foreign key to what no contract claims ties nothing. */
export function graphOf(tables: readonly ClaimableTable[]): TableGraph {
  const ids = new Set(tables.map(({ id }) => id))
  const links = tables.flatMap((table) =>
    ownReferences(table)
      .filter(({ to }) => ids.has(tableSql(to)))
      .map((reference) => linkOf(table, reference)),
  )
  return {
    tables: tables.map((table) => ({
      id: table.id,
      schema: table.table.schema,
      table: table.table.table,
      isJoin: isJoinTable(table, links),
    })),
    links,
  }
}

function linkOf(table: ClaimableTable, reference: CatalogReference): GraphLink {
  return {
    from: table.id,
    to: tableSql(reference.to),
    strength: strengthOf(table, reference),
    isInKey: reference.columns.every((column) => table.key.on.includes(column)),
  }
}

function strengthOf({ table }: ClaimableTable, { columns, onDelete }: CatalogReference): LinkStrength {
  if (onDelete === 'SET NULL' || onDelete === 'SET DEFAULT') return 'loose'
  const required = columns.every((name) => table.columns.some((column) => column.name === name && column.notNull))
  if (!required) return 'optional'
  return onDelete === 'CASCADE' ? 'owned' : 'required'
}

/** A moment, as in `created_at`, says nothing that a pair of rows would not. */
const MOMENT_TYPE = /^(timestamp|date)\b/

/** Two foreign keys, nothing else but a key of its own or a moment, and nobody who refers to it. */
function isJoinTable(joining: ClaimableTable, links: readonly GraphLink[]): boolean {
  const references = ownReferences(joining)
  const paired = new Set(references.flatMap(({ columns }) => columns))
  const isOwnKey = (name: string): boolean => joining.key.on.length === 1 && joining.key.on[0] === name
  const others = joining.table.columns.filter(
    ({ name, type }) => !paired.has(name) && !isOwnKey(name) && !MOMENT_TYPE.test(type),
  )
  return references.length === 2 && others.length === 0 && !links.some(({ to }) => to === joining.id)
}
