import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { type CatalogTable, tableOf, type TableName } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { contractDifferences, type Difference, type DifferenceKind } from '../service-database/compare-contract.ts'
import type { MonolithState, PreflightContext } from './context.ts'
import { errorFinding, type Finding, MONOLITH, warningFinding } from './finding.ts'

/** No row is left behind in silence: each table is a service's, or stays behind by name. */
export function tablesAreClaimed({ deployment: { set }, monolith }: PreflightContext): Finding[] {
  if (monolith === null) return []
  const claimed = new Set(set.services.flatMap(({ entities }) => entities.map(tableSql)))
  const covered = (name: TableName): boolean => claimed.has(tableSql(name)) || isLeftBehind(name, set.leftBehind)
  const unclaimed = monolith.userTables
    .filter(({ partitionOf, ...table }) => !covered(table) && (partitionOf === null || !covered(partitionOf)))
    .map(({ partitionOf, ...table }) => tableSql(partitionOf ?? table))
  return [...new Set(unclaimed)].map((table) =>
    errorFinding(
      'unclaimed-table',
      MONOLITH,
      `Table ${table} is in no contract: its rows would stay behind.`,
      `Give it to a service's contract, or name it in the contract set's leftBehind.`,
    ),
  )
}

/** A name of `leftBehind` is `schema.table`, or a table of `public`. */
export function isLeftBehind({ schema, table }: TableName, leftBehind: readonly string[]): boolean {
  return leftBehind.includes(`${schema}.${table}`) || (schema === 'public' && leftBehind.includes(table))
}

/** What is no loss where the monolith differs from the contract; everything else is an error. */
const HARMLESS: ReadonlySet<DifferenceKind> = new Set([
  'column not nullable',
  'label missing',
  'label order',
  'key deferrable',
])

const CURE = 'Correct the contract, or the monolith, so that the two agree.'

const CURES: Partial<Readonly<Record<DifferenceKind, string>>> = {
  'not a table': 'Give the contract ordinary tables: the partitions one by one, or a table with the rows.',
  'key missing':
    'Create a unique index over the key (CREATE UNIQUE INDEX CONCURRENTLY), or correct the key in the contract.',
  'key invalid': 'REINDEX INDEX CONCURRENTLY it.',
  'key deferrable':
    'A transaction that exchanges keys cannot be followed; make the constraint NOT DEFERRABLE if there are any.',
}

export function monolithMatchesContract({ deployment: { set }, monolith }: PreflightContext): Finding[] {
  if (monolith === null) return []
  return set.services
    .flatMap(({ entities }) => entities)
    .flatMap((entity) => contractDifferences(entity, tableOf(monolith.catalog, entity), monolith.catalog.enums))
    .map(contractFinding)
}

function contractFinding({ kind, text }: Difference): Finding {
  const severity = HARMLESS.has(kind) ? 'warning' : 'error'
  return { check: 'contract', severity, subject: MONOLITH, problem: text, cure: CURES[kind] ?? CURE }
}

/** What keeps a table from being read or followed as it stands. */
export function tablesAreOrdinary(context: PreflightContext): Finding[] {
  return tablesOf(context).flatMap(({ entity, table }) => [
    ...unloggedFinding(context, entity, table),
    ...inheritanceFinding(entity, table),
  ])
}

function unloggedFinding({ withSlot }: PreflightContext, entity: Entity, table: CatalogTable): Finding[] {
  if (table.persistence !== 'u' || !withSlot) return []
  return [
    errorFinding(
      'ordinary-table',
      MONOLITH,
      `Table ${tableSql(entity)} is unlogged: its changes are not in the WAL.`,
      `ALTER TABLE ${tableSql(entity)} SET LOGGED, or use --no-slot with a planned downtime.`,
    ),
  ]
}

/** Each table of an inheritance tree is read without its children, so that it is exact wherever all are claimed. */
function inheritanceFinding(entity: Entity, table: CatalogTable): Finding[] {
  if (table.isPartition || (!table.inherits && !table.hasChildren)) return []
  return [
    warningFinding(
      'ordinary-table',
      MONOLITH,
      `Table ${tableSql(entity)} ${table.inherits ? 'inherits from another' : 'has tables that inherit from it'}: the service gets its own rows in a plain table.`,
      'Give each table of the inheritance tree to a contract, and let the service read them one by one.',
    ),
  ]
}

/** Under a policy a role sees a part of the rows, and pinned sessions get an error in its place. */
export function rowsAreVisible(context: PreflightContext): Finding[] {
  return tablesOf(context)
    .filter(({ table }) => table.rowSecurity.appliesToUs)
    .map(({ entity, monolith }) =>
      errorFinding(
        'row-level-security',
        MONOLITH,
        `Row-level security of table ${tableSql(entity)} hides rows from role ${quoteIdentifier(monolith.server.role)}.`,
        `ALTER ROLE ${quoteIdentifier(monolith.server.role)} BYPASSRLS, or use the table's owner where the security is not forced.`,
      ),
    )
}

function tablesOf({ deployment: { set }, monolith }: PreflightContext): {
  readonly entity: Entity
  readonly table: CatalogTable
  readonly monolith: MonolithState
}[] {
  if (monolith === null) return []
  return set.services
    .flatMap(({ entities }) => entities)
    .flatMap((entity) => {
      const table = tableOf(monolith.catalog, entity)
      return table?.kind === 'r' ? [{ entity, table, monolith }] : []
    })
}
