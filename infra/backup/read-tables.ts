import type pg from 'pg'
import { z } from 'zod'
import { type Digest, digestFromSums } from '../../contracts/digest.ts'
import { Failure } from '../../contracts/failure.ts'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { type Catalog, type CatalogColumn, type TableName, tableOf } from '../catalog/catalog.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { digestSql, tableSql } from '../postgres/digest-sql.ts'

/** A table of a user's schema. */
export interface ListedTable extends TableName {
  readonly oid: string
  /** `r` a table, `p` a partitioned one, `f` a foreign one. */
  readonly kind: 'r' | 'p' | 'f'
  readonly persistence: 'p' | 'u'
  /** The partitioned table at the top of its tree, where it is a partition. */
  readonly partitionOf: string | null
  /** Whether the session's role may read all of its rows. */
  readonly readable: boolean
  readonly securityHidesRows: boolean
  /** Whether its file is another one than the transaction's snapshot sees: an older snapshot finds no row in it. */
  readonly rewritten: boolean
}

/** A table whose rows are in the dump, in the shape that the digest's SQL is made for. */
export interface BackupTable extends ListedTable {
  readonly entity: Entity
}

const LISTED = z.object({
  schema: z.string(),
  table: z.string(),
  oid: z.string(),
  kind: z.enum(['r', 'p', 'f']),
  persistence: z.enum(['p', 'u']),
  partitionOf: z.string().nullable(),
  readable: z.boolean(),
  securityHidesRows: z.boolean(),
  rewritten: z.boolean(),
})

/**
 * Every table of every user's schema, Scission's own included; temporary ones and what belongs to an extension are left
 * out, as pg_dump leaves them out. `pg_relation_filenode` does not look through the snapshot, and `relfilenode` does; the
 * privileges on a table that is dropped in this moment are null.
 */
export async function listTables(client: pg.Client): Promise<ListedTable[]> {
  return await jsonRows(
    client,
    LISTED,
    `SELECT json_build_object(
       'schema', n.nspname, 'table', c.relname, 'oid', c.oid::text, 'kind', c.relkind, 'persistence', c.relpersistence,
       'partitionOf', CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::text END,
       'readable', coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), true),
       'securityHidesRows', row_security_active(c.oid),
       'rewritten', c.relkind = 'r' AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid)) AS row
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                 AND d.deptype = 'e')
     ORDER BY n.nspname, c.relname`,
    [],
  )
}

/** @throws Failure 4 that names every table that the role cannot read wholly: a part of a database is no backup. */
export function refuseUnreadable(tables: readonly ListedTable[], role: string): void {
  const hidden = tables.filter(({ securityHidesRows }) => securityHidesRows).map(tableSql)
  if (hidden.length > 0)
    throw new Failure(
      4,
      `Row-level security hides rows of ${named(hidden)} from role ${role}: back up as a superuser, or ALTER ROLE … BYPASSRLS.`,
    )
  const unreadable = tables.filter(({ kind, readable }) => kind !== 'f' && !readable).map(tableSql)
  if (unreadable.length > 0)
    throw new Failure(
      4,
      `Role ${role} may not read ${named(unreadable)}: back up as a superuser, or GRANT pg_read_all_data TO that role.`,
    )
}

const NAMED_TABLES = 5

function named(tables: readonly string[]): string {
  const more = tables.length - NAMED_TABLES
  const shown = tables.slice(0, NAMED_TABLES).join(', ')
  return `${tables.length === 1 ? 'table' : `${tables.length} tables:`} ${shown}${more > 0 ? ` and ${more} more` : ''}`
}

/** The tables that hold rows of their own, with their columns. */
export async function describeTables(client: pg.Client, listed: readonly ListedTable[]): Promise<BackupTable[]> {
  const holding = listed.filter(({ kind }) => kind === 'r')
  const catalog = await readCatalog(client, holding, { rows: false })
  return holding.map((table) => ({ ...table, entity: entityOf(catalog, table) }))
}

/**
 * A table as an entity that no contract names: the digest's SQL reads a name and columns, and the rest stays empty.
 * A generated column is a column like any other here: the restored table computes it again.
 */
export function entityOf(catalog: Catalog, name: TableName): Entity {
  const { schema, table } = name
  const columns = tableOf(catalog, name)?.columns ?? []
  return {
    name: tableSql(name),
    schema,
    table,
    columns: columns.map((column) => columnOf(column, catalog.enums)),
    key: [],
    keyAs: 'primary key',
    keyName: '',
    indexes: [],
    references: [],
    crossReferences: [],
  }
}

function columnOf({ name, type, notNull }: CatalogColumn, enums: Catalog['enums']): Entity['columns'][number] {
  const labels = enums.get(type)
  const requires = labels === undefined ? [] : [{ name: type, create: '', labels }]
  return { name, type, wire: 'text', nullable: !notNull, secret: false, requires }
}

/** Count and digest of a table as the transaction sees it. */
export async function readDigest(client: pg.Client, { entity }: BackupTable): Promise<Digest> {
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(digestSql(entity))
  const [sums] = rows
  if (sums === undefined) throw new Error('The digest returned no row')
  return digestFromSums(sums)
}
