import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import type { Catalog, CatalogTable } from '../catalog/catalog.ts'
import { contractDifferences, type DifferenceKind, structureDifferences } from '../service-database/compare-contract.ts'

/** What rows cannot live without. What else a service's own migrations do to its columns is theirs. */
const DIFFERENCES: ReadonlySet<DifferenceKind> = new Set([
  'table missing',
  'not a table',
  'column missing',
  'column type',
])

/** Every way in which a table's structure falls short of the contract, one sentence each. */
export function structureSentences(
  service: Service,
  entity: Entity,
  table: CatalogTable | undefined,
  enums: Catalog['enums'],
): string[] {
  const columns = contractDifferences(entity, table, enums).filter(({ kind }) => DIFFERENCES.has(kind))
  const sentences = [...columns, ...structureDifferences(service, entity, table)].map(({ text }) => text)
  return [...new Set(sentences)]
}

/** Whether the digest's SQL finds all it names. */
export function isReadable(entity: Entity, table: CatalogTable | undefined): boolean {
  if (table === undefined || table.kind !== 'r') return false
  const columns = new Set(table.columns.map(({ name }) => name))
  return entity.columns.every(({ name }) => columns.has(name))
}
