import type { ReferentialAction } from '../../contracts/language/entity.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/** A table's place. Entities of a contract have one too. */
export interface TableName {
  readonly schema: string
  readonly table: string
}

/** What a database's catalog says of the tables that were asked for, and of all its enums. */
export interface Catalog {
  /** By `schema.table`, quoted; `tableOf` looks it up. A name that nothing has is not in it. */
  readonly tables: ReadonlyMap<string, CatalogTable>
  /** Labels in order, by the type's name as `format_type` prints it under an empty search path. */
  readonly enums: ReadonlyMap<string, readonly string[]>
}

/** Manual: "pg_class". Whatever bears the name is read, so that a view in a table's place is seen as one. */
export interface CatalogTable extends TableName {
  readonly oid: string
  /** `r` a table, `p` a partitioned one, `v` a view, `m` a materialized one, `f` a foreign table, and others. */
  readonly kind: string
  /** `p` permanent, `u` unlogged, `t` temporary. */
  readonly persistence: string
  /** `d` default (the primary key), `n` nothing, `f` full, `i` an index. */
  readonly replicaIdentity: string
  readonly replicaIdentityIndex: string | null
  readonly isPartition: boolean
  /** Whether it has a parent by inheritance (partitions included), and whether it has children. */
  readonly inherits: boolean
  readonly hasChildren: boolean
  readonly rowSecurity: { readonly enabled: boolean; readonly forced: boolean; readonly appliesToUs: boolean }
  /** Whether the session's role may select from it, and whether it has the owner's rights. */
  readonly readable: boolean
  readonly owned: boolean
  /** The planner's page count with TOAST, in bytes: an estimate, 0 where the table was never analyzed. */
  readonly estimatedBytes: number
  /** Null where it was not asked for, or where the session may not look. */
  readonly hasRows: boolean | null
  /** In the table's order, dropped ones left out. */
  readonly columns: readonly CatalogColumn[]
  readonly indexes: readonly CatalogIndex[]
  readonly references: readonly CatalogReference[]
}

export interface CatalogColumn {
  readonly name: string
  /** As `format_type` prints it under an empty search path. */
  readonly type: string
  /** Whether no row holds null. */
  readonly notNull: boolean
  /** Whether no row with null can come; rows of before may hold it (`NOT NULL … NOT VALID`, from PostgreSQL 18 on). */
  readonly refusesNull: boolean
  /** The default's SQL, or a generated column's expression. */
  readonly expression: string | null
  readonly generated: boolean
  readonly identity: 'ALWAYS' | 'BY DEFAULT' | null
}

/** Manual: "pg_index". */
export interface CatalogIndex {
  readonly name: string
  /** Key columns in order; null stands for an expression. Included columns are left out. */
  readonly columns: readonly (string | null)[]
  readonly unique: boolean
  readonly primary: boolean
  /** False for a deferrable constraint's: uniqueness is then checked late, and no replica identity can rest on it. */
  readonly immediate: boolean
  readonly valid: boolean
  readonly ready: boolean
  readonly partial: boolean
  readonly hasExpressions: boolean
  /** `btree` and others. */
  readonly method: string
  /** `CREATE INDEX …` as PostgreSQL prints it. */
  readonly definition: string
  /** The constraint that the index serves, and what follows `ADD CONSTRAINT name`. */
  readonly constraint: { readonly name: string; readonly definition: string } | null
}

export interface CatalogReference {
  readonly name: string
  readonly columns: readonly string[]
  readonly to: TableName
  readonly toColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
  readonly validated: boolean
  readonly deferrable: boolean
  /** What follows `ADD CONSTRAINT name`. */
  readonly definition: string
}

export function tableOf(catalog: Catalog, name: TableName): CatalogTable | undefined {
  return catalog.tables.get(tableSql(name))
}
