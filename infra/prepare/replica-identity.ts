import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import type { CatalogTable, TableName } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/** By the letters of `pg_class.relreplident`: the primary key, or the whole row. */
export type GivenIdentity = 'd' | 'f'

/**
 * The replica identity that a table must be given before it is published, or null where its own will do. Without one
 * that names the contract's key, PostgreSQL refuses the application's updates and deletes, or we could not tell which
 * row they meant. A table without a primary key gets FULL, also in the place of an index, which a later migration could
 * replace. Manual: "ALTER TABLE", REPLICA IDENTITY.
 */
export function neededIdentity(entity: Entity, table: CatalogTable): GivenIdentity | null {
  const primary = primaryKeyColumns(table)
  const primaryNamesKey = primary !== null && holds(primary, entity.key)
  if (table.replicaIdentity === 'f') return null
  if (table.replicaIdentity === 'd' && primaryNamesKey) return null
  if (table.replicaIdentity === 'i' && primary !== null && holds(identityColumns(table), entity.key)) return null
  return primaryNamesKey ? 'd' : 'f'
}

/** Whether PostgreSQL lets a published table be updated and deleted from under this identity. */
export function identityServes(table: CatalogTable, identity: string, index: string | null): boolean {
  if (identity === 'd') return primaryKeyColumns(table) !== null
  if (identity === 'i') return table.indexes.some(({ name, valid }) => name === index && valid)
  return identity === 'f'
}

/** The clause after ALTER TABLE that sets an identity. */
export function identityClause(identity: string, index: string | null): string {
  if (identity === 'i' && index !== null) return `REPLICA IDENTITY USING INDEX ${quoteIdentifier(index)}`
  if (identity === 'f') return 'REPLICA IDENTITY FULL'
  return `REPLICA IDENTITY ${identity === 'n' ? 'NOTHING' : 'DEFAULT'}`
}

/**
 * The statements that give a table its identity, for one transaction: the lock comes first, so that what is recorded is
 * what the table has at that moment; the record and the change are kept, or lost, together.
 */
export function giveIdentitySql(table: TableName, given: GivenIdentity): string[] {
  const [schema, name] = [quoteLiteral(table.schema), quoteLiteral(table.table)]
  return [
    lockSql(table),
    `INSERT INTO scission.replica_identity (schema_name, table_name, former, former_index, given) ` +
      `SELECT ${schema}, ${name}, c.relreplident, (SELECT ic.relname FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid ` +
      `WHERE i.indrelid = c.oid AND i.indisreplident), '${given}' ` +
      `FROM pg_class c WHERE c.oid = ${quoteLiteral(tableSql(table))}::regclass ` +
      `ON CONFLICT (schema_name, table_name) DO UPDATE SET former = excluded.former, ` +
      `former_index = excluded.former_index, given = excluded.given, recorded_at = pg_catalog.now()`,
    `ALTER TABLE ONLY ${tableSql(table)} ${identityClause(given, null)}`,
  ]
}

export function lockSql(table: TableName): string {
  return `LOCK TABLE ONLY ${tableSql(table)} IN ACCESS EXCLUSIVE MODE`
}

/** A deferrable primary key is none for this purpose: PostgreSQL takes no identity from it. */
function primaryKeyColumns(table: CatalogTable): readonly (string | null)[] | null {
  const primary = table.indexes.find((index) => index.primary && index.immediate && index.valid)
  return primary?.columns ?? null
}

function identityColumns(table: CatalogTable): readonly (string | null)[] {
  return table.indexes.find(({ name }) => name === table.replicaIdentityIndex)?.columns ?? []
}

function holds(columns: readonly (string | null)[], key: readonly string[]): boolean {
  return key.every((name) => columns.includes(name))
}
