import type {
  ContractColumn,
  ContractIndex,
  ContractReference,
  Entity,
  Service,
} from '../../contracts/language/contract-set.ts'
import type { TypeDefinition } from '../../contracts/language/column.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/**
 * The DDL of a service's database, from its contract. It is for pinned sessions: types and defaults stand in a contract
 * as they are written under an empty search path. Manual: "CREATE TABLE".
 */

export function createSchemaSql(schema: string): string {
  return `CREATE SCHEMA ${quoteIdentifier(schema)}`
}

export function createTypeSql(type: TypeDefinition): string {
  return type.create
}

/** Columns alone: rows are loaded faster into a table that has no key, index or foreign key yet. */
export function createTableSql(entity: Entity): string {
  const columns = entity.columns.map((column) => `  ${columnSql(column)}`)
  return `CREATE TABLE ${tableSql(entity)} (\n${columns.join(',\n')}\n)`
}

/** The key as the contract has it: a primary key, or a unique index alone. */
export function createKeySql(entity: Entity): string {
  if (entity.keyAs === 'unique index')
    return createIndexSql(entity, { name: entity.keyName, on: entity.key, unique: true })
  return `ALTER TABLE ${tableSql(entity)} ADD CONSTRAINT ${quoteIdentifier(entity.keyName)} PRIMARY KEY (${list(entity.key)})`
}

export function createIndexSql(entity: Entity, index: ContractIndex): string {
  const unique = index.unique ? 'UNIQUE ' : ''
  return `CREATE ${unique}INDEX ${quoteIdentifier(index.name)} ON ${tableSql(entity)} (${list(index.on)})`
}

/** A foreign key inside one service; it is checked against all rows as it is added. */
export function createReferenceSql(service: Service, entity: Entity, reference: ContractReference): string {
  return (
    `ALTER TABLE ${tableSql(entity)} ADD CONSTRAINT ${quoteIdentifier(reference.name)} ` +
    `FOREIGN KEY (${list(reference.on)}) REFERENCES ${tableSql(referredEntity(service, reference))} (${list(reference.toColumns)}) ` +
    `ON DELETE ${reference.onDelete} ON UPDATE ${reference.onUpdate}`
  )
}

/** The entity that a reference inside a service leads to; a resolved contract set has it. */
export function referredEntity(service: Service, reference: ContractReference): Entity {
  const target = service.entities.find(({ name }) => name === reference.to)
  if (target === undefined) throw new Error(`Service ${service.name} has no entity ${reference.to}`)
  return target
}

function columnSql(column: ContractColumn): string {
  const parts = [quoteIdentifier(column.name), column.type, valueSql(column), column.nullable ? '' : 'NOT NULL']
  return parts.filter((part) => part !== '').join(' ')
}

function valueSql(column: ContractColumn): string {
  if (column.generated !== undefined) return `GENERATED ALWAYS AS (${column.generated}) STORED`
  if (column.identity !== undefined) return `GENERATED ${column.identity} AS IDENTITY`
  return column.default === undefined ? '' : `DEFAULT ${column.default}`
}

function list(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(', ')
}
