import type { TypeDefinition } from '../../contracts/language/column.ts'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { ServiceState } from '../preflight/context.ts'
import { serviceSubject } from '../preflight/finding.ts'
import { neededSchemas } from '../preflight/observe-service.ts'
import { CREATED_OBJECTS_DDL, type CreatedKind } from '../service-database/created-objects.ts'
import { createSchemaSql, createTableSql, createTypeSql } from '../service-database/ddl.ts'
import { STATE_DDL, STATE_VERSION } from '../service-database/state-ddl.ts'
import type { PlannedStep } from './step.ts'

/** Whose log the service reads: what its checkpoint is marked with. */
export interface LogOwner {
  readonly contractSet: string
  readonly prefix: string
}

/** What a service's database needs, in order. All of it is done in one transaction: the service is prepared or is not. */
export function planService(state: ServiceState, owner: LogOwner): PlannedStep[] {
  const { service, schemas, presentTypes } = state
  const step = stepMaker(serviceSubject(service))
  return [
    step('keep its state in schema scission', state.record?.complete === true, [...STATE_DDL, CREATED_OBJECTS_DDL]),
    ...neededSchemas(service).map((schema) =>
      step(`create schema ${quoteIdentifier(schema)}`, schemas.has(schema), createSchema(schema)),
    ),
    ...service.types.map((type) => step(`create type ${type.name}`, presentTypes.has(type.name), createType(type))),
    ...service.entities.map((entity) => planTable(state, entity)),
    step('mark whose log it reads', (state.record?.checkpoint ?? null) !== null, [markSql(state, owner)]),
  ]
}

/** A table that is there already was made by the service's own migrations, and is accepted as it is. */
function planTable(state: ServiceState, entity: Entity): PlannedStep {
  const known = state.record?.entities.get(entity.name)
  const exists = tableOf(state.catalog, entity) !== undefined
  const step = stepMaker(serviceSubject(state.service))
  if (!exists) return step(`create table ${tableSql(entity)}`, false, [createTableSql(entity), recordSql(entity, true)])
  if (known?.created === true) return step(`create table ${tableSql(entity)}`, true, [])
  return step(`accept table ${tableSql(entity)} as it is`, known !== undefined, [recordSql(entity, false)])
}

function stepMaker(subject: string) {
  return (action: string, present: boolean, statements: readonly string[]): PlannedStep => ({
    subject,
    action,
    statements: present ? [] : statements,
    state: present ? 'present' : 'needed',
  })
}

function createSchema(schema: string): string[] {
  return [createSchemaSql(schema), createdSql('schema', schema)]
}

function createType(type: TypeDefinition): string[] {
  return [createTypeSql(type), createdSql('type', type.name)]
}

function createdSql(kind: CreatedKind, name: string): string {
  return `INSERT INTO scission.created_object (kind, name) VALUES ('${kind}', ${quoteLiteral(name)}) ON CONFLICT DO NOTHING`
}

/** A row of a table that is gone was never loaded: preflight refuses a loaded one. */
function recordSql(entity: Entity, created: boolean): string {
  return (
    `INSERT INTO scission.entity (entity, created) VALUES (${quoteLiteral(entity.name)}, ${created}) ` +
    `ON CONFLICT (entity) DO UPDATE SET created = excluded.created`
  )
}

function markSql({ service }: ServiceState, { contractSet, prefix }: LogOwner): string {
  const values = [contractSet, service.name, prefix].map(quoteLiteral).join(', ')
  return `INSERT INTO scission.checkpoint (state_version, contract_set, service, prefix) VALUES (${STATE_VERSION}, ${values})`
}
