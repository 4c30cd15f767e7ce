/**
 * What `verify` found, as one JSON object that is fit to file: it names its own date, its log and its versions, and
 * holds no secret. docs/architecture.md has its place in a migration.
 */
export interface VerifyReport {
  /** False where any row or any structure of any table differs. */
  readonly verified: boolean
  /** ISO 8601, UTC. */
  readonly verifiedAt: string
  readonly contractSet: string
  readonly prefix: string
  readonly epoch: number
  /** The position in the monolith's WAL from which the log's snapshot is exact across tables, for example `0/16B3748`. */
  readonly consistencyPoint: string
  /** The monolith that the log was taken from: its system identifier and database; null where the log does not say. */
  readonly monolith: { readonly systemId: string; readonly database: string } | null
  /** What the services were compared with: the snapshot in the log, or the monolith itself as of the consistency point. */
  readonly against: 'log' | 'monolith'
  readonly versions: { readonly wire: number; readonly node: string; readonly nats: string }
  readonly seconds: number
  readonly services: readonly ServiceReport[]
  readonly references: readonly ReferenceReport[]
}

export interface ServiceReport {
  readonly service: string
  readonly verified: boolean
  readonly seconds: number
  /** The version of the PostgreSQL that holds the service. */
  readonly postgres: string
  readonly tables: readonly TableReport[]
  /** Changes that an operator has set aside: the service differs by them. */
  readonly parked: number
}

export interface TableReport {
  readonly entity: string
  readonly verified: boolean
  readonly expected: Totals
  /** Null where the table could not be read; `structure` then says why. */
  readonly found: Totals | null
  readonly differences: RowDifferences
  /** One sentence for each missing or invalid column, key, index or foreign key. */
  readonly structure: readonly string[]
}

export interface Totals {
  readonly rows: number
  /** 32 hexadecimal digits. */
  readonly digest: string
}

export interface RowDifferences {
  /** How many rows differ; exact, however few are named. Null where the totals differ and the rows could not be compared. */
  readonly total: number | null
  /** At most as many as were asked for, in the order of their keys. */
  readonly rows: readonly RowDifference[]
  /** Why rows are not named, or what the comparison of the rows says of the log itself. */
  readonly note: string | null
}

/** A value of a key, as `visibleText` shows it. */
export interface KeyValue {
  readonly column: string
  readonly value: string
}

export type RowDifference =
  | { readonly kind: 'missing'; readonly key: readonly KeyValue[] }
  | { readonly kind: 'extra'; readonly key: readonly KeyValue[] }
  | { readonly kind: 'count'; readonly key: readonly KeyValue[]; readonly expected: number; readonly found: number }
  | { readonly kind: 'different'; readonly key: readonly KeyValue[]; readonly columns: readonly ColumnDifference[] }

export interface ColumnDifference {
  readonly column: string
  /** As `visibleText` shows them: the log's value and the service's, from a little before where they part. */
  readonly expected: string
  readonly found: string
  /** The first character that differs, counted from 1; null for a secret, and where one of the two is NULL. */
  readonly character: number | null
}

/** A reference across services that no foreign key holds any more: information, never a difference. */
export interface ReferenceReport {
  readonly from: { readonly service: string; readonly entity: string; readonly columns: readonly string[] }
  readonly to: { readonly service: string; readonly entity: string; readonly columns: readonly string[] }
  /** The kind of a polymorphic reference. */
  readonly when: { readonly column: string; readonly equals: string } | null
  /** Rows that refer at all: those with a NULL in the reference do not. */
  readonly rows: number
  readonly withoutTarget: number
}
