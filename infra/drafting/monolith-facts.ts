import type { Catalog } from '../catalog/catalog.ts'
import type { UserTable } from '../catalog/read-user-tables.ts'

/** What a draft is made of: the catalog of a live monolith, and no row of any table. */
export interface MonolithFacts {
  readonly database: string
  readonly userTables: readonly UserTable[]
  readonly catalog: Catalog
  /** By `schema.table`, quoted. */
  readonly tables: ReadonlyMap<string, TableFacts>
  /** The types that are not PostgreSQL's own, by oid. */
  readonly types: ReadonlyMap<string, OwnType>
  readonly objects: OtherObjects
}

/** What the catalog says of a table beside columns, keys and foreign keys. */
export interface TableFacts {
  /** With TOAST, without indexes. */
  readonly bytes: number
  /** The planner's estimate; −1 where the table was never analyzed. */
  readonly rows: number
  readonly checks: readonly { readonly name: string; readonly definition: string }[]
  readonly triggers: readonly string[]
  readonly policies: readonly string[]
  readonly columns: ReadonlyMap<string, ColumnFacts>
  readonly indexes: ReadonlyMap<string, IndexFacts>
  readonly foreignKeys: ReadonlyMap<string, ForeignKeyFacts>
}

export interface ColumnFacts {
  /** Of the type; of the element's type where the column is an array. */
  readonly typeOid: string
  readonly isArray: boolean
  /** Where it is not the type's own, quoted. */
  readonly collation: string | null
  /** Of a generated column (from PostgreSQL 18 on): it is computed when it is read. */
  readonly isVirtual: boolean
  /** What the default or the generated value rests on, and PostgreSQL does not have of itself. */
  readonly needs: readonly ColumnNeed[]
  /** The sequence of an identity column or a serial one, quoted; its options where it does not simply count up from 1. */
  readonly sequence: { readonly name: string; readonly options: string | null } | null
}

export interface ColumnNeed {
  readonly kind: 'function' | 'operator' | 'sequence' | 'type'
  readonly name: string
  readonly oid: string
  readonly extension: string | null
}

/** What an index has that a contract cannot say. */
export interface IndexFacts {
  readonly descending: boolean
  readonly operatorClass: boolean
  readonly collation: boolean
  readonly included: boolean
  readonly nullsNotDistinct: boolean
  readonly isExclusion: boolean
}

export interface ForeignKeyFacts {
  /** One that PostgreSQL keeps for a partition of the referred table, beside the foreign key itself. */
  readonly isDerived: boolean
  readonly matchFull: boolean
  /** Its triggers are switched off, so that rows may break it. */
  readonly isDisabled: boolean
  /** ON DELETE SET NULL or SET DEFAULT for some of its columns alone. */
  readonly setsSome: boolean
}

/** A type that is not PostgreSQL's own. Manual: "pg_type". */
export interface OwnType {
  readonly oid: string
  /** As `format_type` prints it under an empty search path. */
  readonly name: string
  readonly schema: string
  readonly bareName: string
  /** As `pg_type.typtype` has it, and `row` for the row type of a table. */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'm' | 'r' | 'row'
  readonly extension: { readonly name: string; readonly schema: string } | null
  readonly labels: readonly string[]
  readonly domain: DomainFacts | null
  readonly attributes: readonly (TypeUse & { readonly name: string })[]
  readonly range: RangeFacts | null
  /** The range type that a multirange comes with. */
  readonly rangeOid: string | null
}

/** A type as another one uses it; `oid` is the element's where it is an array. */
export interface TypeUse {
  readonly type: string
  readonly oid: string
  readonly collation: string | null
}

export interface DomainFacts extends TypeUse {
  readonly notNull: boolean
  readonly default: string | null
  readonly checks: readonly {
    readonly name: string
    readonly definition: string
    readonly validated: boolean
    /** Functions of the monolith's own that it calls. */
    readonly functions: readonly string[]
  }[]
}

export interface RangeFacts extends TypeUse {
  readonly operatorClass: string | null
  readonly multirange: string
  /** The canonical and the difference function, where it has them. */
  readonly functions: readonly string[]
}

/** What is in the database and is no table: a contract has none of it. Names are quoted. */
export interface OtherObjects {
  readonly views: readonly string[]
  readonly functions: readonly string[]
  /** Those that no column owns. */
  readonly sequences: readonly string[]
  readonly partitioned: readonly string[]
  readonly extensions: readonly string[]
  readonly largeObjects: number
}
