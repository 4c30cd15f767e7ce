import type { ContractSet, Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { type Catalog, type TableName, tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { MONOLITH } from '../preflight/finding.ts'
import type { LockMode } from './lock-patience.ts'
import { type MonolithRecord, type Publication, RECORD_DDL } from './monolith-record.ts'
import { publicationName, slotName } from './names.ts'
import { giveIdentitySql, identityClause, neededIdentity } from './replica-identity.ts'
import type { PlannedStep } from './step.ts'

/** A step in the monolith: one transaction, with the tables that it locks. */
export interface MonolithStep extends PlannedStep {
  readonly locks: readonly TableName[]
  readonly mode: LockMode
  /** Ends the sentence "…, so that" where a lock could not be had. */
  readonly hindered: string
}

/**
 * What a slot needs in the monolith, in order: the record of what is ours, then the replica identities, one table at a
 * time, then the publication, which would otherwise break updates of tables without an identity.
 */
export function planMonolith(
  { set, prefix }: { readonly set: ContractSet; readonly prefix: string },
  catalog: Catalog,
  record: MonolithRecord,
): MonolithStep[] {
  const entities = set.services.flatMap((service) => service.entities)
  const recorded = record.preparations.some((preparation) => preparation.prefix === prefix)
  return [
    {
      ...needed(`record the preparation of ${prefix}`, recorded, [...RECORD_DDL, preparationSql(set.name, prefix)]),
      locks: [],
      mode: 'ACCESS EXCLUSIVE',
      hindered: 'nothing could be recorded',
    },
    ...entities.flatMap((entity) => planIdentity(entity, catalog, record)),
    planPublication(entities, prefix, record.publication),
  ]
}

/** The statements that make a publication hold exactly these tables; none where it does. Manual: "ALTER PUBLICATION". */
export function publicationSql(
  entities: readonly TableName[],
  prefix: string,
  publication: Publication | null,
): string[] {
  const name = quoteIdentifier(publicationName(prefix))
  const list = (tables: readonly TableName[]): string => tables.map((table) => `ONLY ${tableSql(table)}`).join(', ')
  if (publication === null)
    return [
      `CREATE PUBLICATION ${name} FOR TABLE ${list(entities)} WITH (publish = 'insert, update, delete, truncate')`,
    ]
  const [wanted, actual] = [new Set(entities.map(tableSql)), new Set(publication.tables.map(tableSql))]
  const missing = entities.filter((table) => !actual.has(tableSql(table)))
  const extra = publication.tables.filter((table) => !wanted.has(tableSql(table)))
  return [
    ...(missing.length > 0 ? [`ALTER PUBLICATION ${name} ADD TABLE ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`ALTER PUBLICATION ${name} DROP TABLE ${list(extra)}`] : []),
  ]
}

function planPublication(entities: readonly Entity[], prefix: string, publication: Publication | null): MonolithStep {
  const statements = publicationSql(entities, prefix, publication)
  const action = `publish ${entities.length} ${entities.length === 1 ? 'table' : 'tables'} as ${publicationName(prefix)}`
  return {
    ...needed(action, statements.length === 0, statements),
    locks: entities.map(({ schema, table }) => ({ schema, table })),
    mode: 'SHARE UPDATE EXCLUSIVE',
    hindered: 'the publication could not be made',
  }
}

/** Nothing for a table whose own identity does, unless it has it from us. */
function planIdentity(entity: Entity, catalog: Catalog, { identities }: MonolithRecord): MonolithStep[] {
  const table = tableOf(catalog, entity)
  if (table === undefined) return []
  const given = neededIdentity(entity, table)
  const recorded = identities.find((identity) => tableSql(identity) === tableSql(entity))
  if (given === null && recorded === undefined) return []
  const clause = identityClause(given ?? table.replicaIdentity, table.replicaIdentityIndex)
  const action = `give table ${tableSql(entity)} ${clause}`
  const statements = given === null ? [] : giveIdentitySql(entity, given)
  return [
    {
      ...needed(action, given === null, statements),
      locks: [{ schema: entity.schema, table: entity.table }],
      mode: 'ACCESS EXCLUSIVE',
      hindered: 'its replica identity could not be changed',
    },
  ]
}

function preparationSql(contractSet: string, prefix: string): string {
  const values = [prefix, contractSet, slotName(prefix), publicationName(prefix)].map(quoteLiteral).join(', ')
  return (
    `INSERT INTO scission.preparation (prefix, contract_set, slot, publication) VALUES (${values}) ` +
    `ON CONFLICT (prefix) DO NOTHING`
  )
}

function needed(action: string, present: boolean, statements: readonly string[]): PlannedStep {
  return {
    subject: MONOLITH,
    action,
    statements: present ? [] : statements,
    state: present ? 'present' : 'needed',
  }
}
