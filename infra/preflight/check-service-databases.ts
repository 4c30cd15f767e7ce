import type { Entity } from '../../contracts/language/contract-set.ts'
import { type CatalogTable, tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import {
  contractDifferences,
  type Difference,
  type DifferenceKind,
  labelDifferences,
  structureDifferences,
} from '../service-database/compare-contract.ts'
import { STATE_VERSION } from '../service-database/state-ddl.ts'
import type { PreflightContext, ServiceState } from './context.ts'
import type { Deployment } from './deployment.ts'
import { errorFinding, type Finding, serviceSubject, warningFinding } from './finding.ts'

/** What these checks look at: a database alone can be checked too. */
export interface ServicesContext extends Pick<PreflightContext, 'services'> {
  readonly deployment: Pick<Deployment, 'set' | 'prefix'>
}

/** The rows of one deployment and the checkpoint of another in one database would be taken for each other's. */
export function databasesAreOurs({ deployment: { set, prefix }, services }: ServicesContext): Finding[] {
  return services.flatMap(({ service, record }) => {
    const owner = record?.checkpoint ?? null
    if (owner === null) return []
    const about = (problem: string, cure: string): Finding[] => [
      errorFinding('foreign-database', serviceSubject(service), problem, cure),
    ]
    if (owner.stateVersion !== STATE_VERSION)
      return about(
        `Its database holds Scission's tables in version ${owner.stateVersion}, and this release knows ${STATE_VERSION}.`,
        'Use the release that prepared it, or cancel --with-services with that release.',
      )
    if (owner.contractSet === set.name && owner.service === service.name && owner.prefix === prefix) return []
    return about(
      `Its database belongs to service ${owner.service} of the contract set ${owner.contractSet} with the prefix ${owner.prefix}.`,
      'Correct the URL, or the prefix.',
    )
  })
}

/** Rows that the log did not bring would stay beside those that it brings. */
export function tablesAreEmpty({ services }: ServicesContext): Finding[] {
  return entitiesOf(services)
    .filter(({ table }) => table?.hasRows === true)
    .filter(({ state, entity }) => !isLoaded(state, entity))
    .map(({ state, entity }) =>
      errorFinding(
        'empty-table',
        serviceSubject(state.service),
        `Table ${tableSql(entity)} is not empty, and its rows did not come from the log.`,
        `Correct the URL, or empty the table if nobody needs its rows (TRUNCATE ${tableSql(entity)}).`,
      ),
    )
}

/** A checkpoint that says loaded, and a table that is gone, would leave the service without those rows for good. */
export function loadedTablesExist({ services }: ServicesContext): Finding[] {
  return entitiesOf(services)
    .filter(({ state, entity, table }) => table === undefined && isLoaded(state, entity))
    .map(({ state, entity }) =>
      errorFinding(
        'lost-table',
        serviceSubject(state.service),
        `Table ${tableSql(entity)} was loaded from the log, and is gone.`,
        `Rebuild it from the log with replay ${state.service.name}.`,
      ),
    )
}

/** What is no hindrance where a service's own table differs from the contract; everything else is an error. */
const HARMLESS: ReadonlySet<DifferenceKind> = new Set([
  'column nullable',
  'column extra',
  'label unknown',
  'label order',
])

/** What a table has only once it is loaded: the consumer builds it, or puts back what it set aside. */
const AFTER_LOADING: ReadonlySet<DifferenceKind> = new Set([
  'key missing',
  'key invalid',
  'index missing',
  'index invalid',
  'foreign key missing',
  'foreign key invalid',
])

/** A table that the service's own migrations made is never changed, so it must fit as it is. */
export function serviceTablesMatchContract({ services }: ServicesContext): Finding[] {
  return entitiesOf(services).flatMap(({ state, entity, table }) =>
    table === undefined ? [] : tableFindings(state, entity, table),
  )
}

function tableFindings(state: ServiceState, entity: Entity, table: CatalogTable): Finding[] {
  const { service, catalog, record } = state
  const known = record?.entities.get(entity.name)
  const unfinished = known !== undefined && (known.created || known.setAside)
  const differences = [
    ...contractDifferences(entity, table, catalog.enums),
    ...(table.kind === 'r' ? structureDifferences(service, entity, table) : []),
  ]
  return [
    ...differences
      .filter(({ kind }) => !unfinished || !AFTER_LOADING.has(kind))
      .map((difference) => differenceFinding(state, difference)),
    ...storageFindings(state, entity, table),
  ]
}

function storageFindings({ service, server }: ServiceState, entity: Entity, table: CatalogTable): Finding[] {
  const about = (problem: string, cure: string): Finding =>
    errorFinding('existing-table', serviceSubject(service), `Table ${tableSql(entity)} ${problem}.`, cure)
  return [
    ...(table.persistence === 'u'
      ? [about('is unlogged: a crash would empty it', `ALTER TABLE ${tableSql(entity)} SET LOGGED.`)]
      : []),
    ...(table.rowSecurity.appliesToUs
      ? [about(`has row-level security that applies to role ${server.role}`, 'Use a role that bypasses it.')]
      : []),
  ]
}

/** A type of the contract's name with other labels could not hold the values, or would hold them in another order. */
export function serviceTypesMatchContract({ services }: ServicesContext): Finding[] {
  return services.flatMap((state) =>
    state.service.types.flatMap((type) => {
      const isOther =
        state.presentTypes.has(type.name) && type.labels !== undefined && !state.catalog.enums.has(type.name)
      if (!isOther) return labelDifferences(type, state.catalog.enums).map((found) => differenceFinding(state, found))
      const problem = `${type.name} exists and is not an enum.`
      return [errorFinding('existing-table', serviceSubject(state.service), problem, EXISTING_CURE)]
    }),
  )
}

const EXISTING_CURE = `Correct the service's own migrations or the contract so that the two agree, or give an empty database.`

function differenceFinding({ service }: ServiceState, { kind, text }: Difference): Finding {
  const finding = HARMLESS.has(kind) ? warningFinding : errorFinding
  return finding('existing-table', serviceSubject(service), text, EXISTING_CURE)
}

function isLoaded({ record }: ServiceState, entity: Entity): boolean {
  return record?.entities.get(entity.name)?.loaded === true
}

function entitiesOf(services: readonly ServiceState[]): {
  readonly state: ServiceState
  readonly entity: Entity
  readonly table: CatalogTable | undefined
}[] {
  return services.flatMap((state) =>
    state.service.entities.map((entity) => ({ state, entity, table: tableOf(state.catalog, entity) })),
  )
}
