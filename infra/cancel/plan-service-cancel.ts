import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { type Catalog, tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { serviceSubject } from '../preflight/finding.ts'
import type { ServiceRecord } from '../service-database/read-state.ts'
import type { PlannedCancelStep } from './step.ts'

/** What Scission left in a service's database. */
export interface ServiceRemains {
  /** Null where nothing was prepared. */
  readonly record: ServiceRecord | null
  readonly schemaExists: boolean
  readonly catalog: Catalog
  /** What the consumer has set aside of accepted tables, the last first: that is the order to put it back in. */
  readonly setAside: readonly { readonly entity: string; readonly name: string; readonly restore: readonly string[] }[]
  /** Types that `prepare` made and that are still there, with the extension that each came with, if it did. */
  readonly types: readonly { readonly name: string; readonly extension: string | null }[]
}

/** `optional`: where others depend on it by now, it is left; everything else fails the whole. */
export type ServiceCancelStep = PlannedCancelStep & { readonly optional: boolean }

/**
 * What is to be undone in a service's database, in one transaction: what was set aside is put back, what `prepare` made
 * is dropped, in reverse, and everything else is left alone.
 */
export function planServiceCancel(service: Service, remains: ServiceRemains): ServiceCancelStep[] {
  const { record, schemaExists } = remains
  const subject = serviceSubject(service)
  const forget = { subject, action: 'drop its state with schema scission', optional: false }
  if (record === null && !schemaExists) return [{ ...forget, statements: [], state: 'absent' }]
  if (record === null) return [{ ...forget, statements: [], state: 'left', reason: 'it is not as prepare makes it' }]
  const unfinished = remains.setAside.filter(({ entity }) => record.entities.get(entity)?.created === false)
  return [
    ...(unfinished.length > 0 ? emptyTables(service, subject, record) : []),
    ...unfinished.map((aside) => step(subject, `put ${aside.name} of ${aside.entity} back`, aside.restore)),
    ...service.entities.flatMap((entity) => keptTable(subject, entity, record, unfinished.length > 0)),
    ...dropTables(service, subject, record, remains.catalog),
    ...remains.types.toReversed().map((type) => dropType(subject, type)),
    ...record.created
      .filter(({ kind }) => kind === 'schema')
      .toReversed()
      .map(({ name }) => dropSchema(subject, quoteIdentifier(name))),
    step(subject, forget.action, ['DROP SCHEMA scission CASCADE']),
  ]
}

/**
 * Tables that were accepted and whose loading did not end: they were empty, nobody uses them yet, and what was set
 * aside may not fit the half of their rows.
 */
function emptyTables(service: Service, subject: string, record: ServiceRecord): ServiceCancelStep[] {
  const loaded = service.entities.filter(({ name }) => isAccepted(record, name) && record.entities.get(name)?.loaded)
  if (loaded.length === 0) return []
  const tables = loaded.map((entity) => `ONLY ${tableSql(entity)}`).join(', ')
  return [step(subject, 'empty the tables whose loading did not end', [`TRUNCATE ${tables}`])]
}

function keptTable(subject: string, entity: Entity, record: ServiceRecord, emptied: boolean): ServiceCancelStep[] {
  if (!isAccepted(record, entity.name)) return []
  const hasRows = record.entities.get(entity.name)?.loaded === true && !emptied
  const rows = hasRows ? ', and its rows stay: empty it before it is prepared again' : ''
  const reason = `the service's own migrations made it${rows}`
  return [{ subject, action: `drop table ${tableSql(entity)}`, statements: [], state: 'left', reason, optional: false }]
}

function isAccepted(record: ServiceRecord, entity: string): boolean {
  return record.entities.get(entity)?.created === false
}

/** In one statement, since they may refer to each other; without CASCADE, since a view of somebody's may too. */
function dropTables(service: Service, subject: string, record: ServiceRecord, catalog: Catalog): ServiceCancelStep[] {
  const created = service.entities
    .filter(({ name }) => record.entities.get(name)?.created === true)
    .filter((entity) => tableOf(catalog, entity)?.kind === 'r')
    .map(tableSql)
  if (created.length === 0) return []
  const action = `drop ${created.length === 1 ? 'table' : 'tables'} ${created.join(', ')}`
  return [step(subject, action, [`DROP TABLE ${created.join(', ')}`])]
}

function dropType(subject: string, { name, extension }: ServiceRemains['types'][number]): ServiceCancelStep {
  if (extension === null) return optional(subject, `drop type ${name}`, `DROP TYPE IF EXISTS ${name}`)
  const quoted = quoteIdentifier(extension)
  return optional(subject, `drop extension ${quoted}`, `DROP EXTENSION IF EXISTS ${quoted}`)
}

function dropSchema(subject: string, name: string): ServiceCancelStep {
  return optional(subject, `drop schema ${name}`, `DROP SCHEMA IF EXISTS ${name}`)
}

function step(subject: string, action: string, statements: readonly string[]): ServiceCancelStep {
  return { subject, action, statements, state: 'needed', optional: false }
}

function optional(subject: string, action: string, statement: string): ServiceCancelStep {
  return { ...step(subject, action, [statement]), optional: true }
}
