import type { WireKind } from '../language/column.ts'

/** The version of the wire format; a decoder refuses a newer one by name. See docs/wire-format.md. */
export const WIRE_VERSION = 1

/**
 * A value as it stands in a message. Integers beyond ±(2^53 − 1) and everything that msgpack cannot hold exactly are
 * PostgreSQL's text, and of these a UUID travels as its bytes; `Unchanged` and `Absent` are msgpack extensions without a body.
 */
export type WireValue = null | boolean | number | string | Uint8Array | Marker

/** The two states beside a value and null. Extension type 1: an untouched TOAST value. 2: not carried at all. */
export type Marker = typeof UNCHANGED | typeof ABSENT
export const UNCHANGED = Object.freeze({ state: 'unchanged' as const })
export const ABSENT = Object.freeze({ state: 'absent' as const })
export const UNCHANGED_EXTENSION = 1
export const ABSENT_EXTENSION = 2
/** A text that is a UUID, as its 16 bytes; see `uuid-bytes.ts`. */
export const UUID_EXTENSION = 3

export type WireRow = readonly WireValue[]

/** Many snapshot rows of one entity. Its identity is (epoch, entity, attempt, chunk, page). */
export interface Page {
  readonly v: 1
  readonly kind: 'page'
  readonly epoch: number
  readonly entity: string
  /** The hash of the entity's wire shape, as `control.contract` gave it. */
  readonly shape: string
  /** Counted from 1 in the epoch. */
  readonly attempt: number
  /** Counted from 0 in the attempt. */
  readonly chunk: number
  /** Counted from 0 in the chunk. */
  readonly page: number
  /** The places of the first and the last row in the monolith's table, for example `(0,1)`. */
  readonly firstCtid: string
  readonly lastCtid: string
  /** Values in the order of the shape's columns. */
  readonly rows: readonly WireRow[]
}

/**
 * One row's change, or a truncate: its ordinal in the service's transaction (dense, from 0), what it did, and rows in
 * the order of the shape's columns. `U` carries the new row and the old key or row (null where the key did not change).
 */
export type WireChange =
  | readonly [ordinal: number, op: 'I', row: WireRow]
  | readonly [ordinal: number, op: 'U', row: WireRow, old: WireRow | null]
  | readonly [ordinal: number, op: 'D', old: WireRow]
  | readonly [ordinal: number, op: 'T', options: { readonly cascade: boolean; readonly restartIdentity: boolean }]

/** Consecutive changes of one entity in one transaction. */
export interface ChangeRun {
  readonly entity: string
  readonly shape: string
  /** Where the commit record begins: with an ordinal, the position of a change. For example `0/16B3748`. */
  readonly lsn: string
  /** The top-level transaction's id, 64 bits wide as in `pg_current_snapshot()`, as text. */
  readonly xid: string
  /** The commit's time in microseconds since 1970-01-01 UTC. */
  readonly committedAt: number
  /** Whether the run ends the service's part of the transaction. */
  readonly last: boolean
  readonly changes: readonly WireChange[]
}

/** Consecutive runs of a service's change stream: parts of one transaction, or several small transactions. */
export interface ChangeMessage {
  readonly v: 1
  readonly kind: 'change'
  readonly epoch: number
  readonly runs: readonly ChangeRun[]
}

/** A piece of a message that is too large for the broker: the pieces' bytes, joined, are that message's payload. */
export interface Part {
  readonly v: 1
  readonly kind: 'part'
  /** The same for all parts of one message, and for no other message of the stream. */
  readonly id: string
  /** Counted from 0. */
  readonly index: number
  readonly count: number
  /** SHA-256 of the whole. */
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

export interface ShapeColumn {
  readonly name: string
  /** As `format_type` prints it under an empty search path. */
  readonly type: string
  readonly wire: WireKind
  readonly nullable: boolean
  readonly secret: boolean
}

/** The description by which an entity's messages are decoded, in the log itself. */
export interface Shape {
  readonly entity: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly ShapeColumn[]
  readonly key: readonly string[]
}

interface ControlBase {
  readonly v: 1
  readonly kind: 'control'
  readonly epoch: number
}

/** The first message of an epoch in each stream. */
export interface EpochControl extends ControlBase {
  readonly control: 'epoch'
  readonly contractSet: string
  readonly service: string
  /** The monolith's system identifier (64 bits, as text), timeline and database. */
  readonly systemId: string
  readonly timeline: number
  readonly database: string
  /** The slot's name and its consistent point; null where the epoch has a snapshot alone. */
  readonly slot: { readonly name: string; readonly consistentPoint: string } | null
  /** ISO 8601, UTC. */
  readonly startedAt: string
}

export interface ContractControl extends ControlBase {
  readonly control: 'contract'
  readonly hash: string
  readonly shape: Shape
}

/** The beginning of one reading of one entity: pages of earlier attempts are void from here on. */
export interface AttemptControl extends ControlBase {
  readonly control: 'attempt'
  readonly entity: string
  readonly shape: string
  readonly attempt: number
  /** `pg_current_snapshot()` of the transaction that reads, by which a change is in the pages or is not. */
  readonly snapshot: string
  /** An LSN behind every commit that the snapshot shows. */
  readonly consistencyPoint: string
  /** The table's size when it was cut, in PostgreSQL's blocks. */
  readonly blocks: number
  /** Into how many chunks: number n begins with the block `floor(blocks × n / chunks)`. */
  readonly chunks: number
}

/** What a chunk's finished reading holds, where the entity has several; the totals are of the chunk alone. */
export interface ChunkControl extends ControlBase, EntityTotals {
  readonly control: 'chunk'
  /** Counted from 0. */
  readonly chunk: number
}

/** What an entity's finished reading holds, computed by SQL in the monolith under the attempt's snapshot. */
export interface EntityTotals {
  readonly entity: string
  readonly attempt: number
  readonly rows: number
  readonly pages: number
  /** Payload bytes of the pages. */
  readonly bytes: number
  /** 32 hexadecimal digits; see docs/decisions on the digest. */
  readonly digest: string
}

export interface CompleteControl extends ControlBase, EntityTotals {
  readonly control: 'complete'
}

/** Closes the snapshot of a service: every entity's totals, and the position from which the result is exact. */
export interface ManifestControl extends ControlBase {
  readonly control: 'manifest'
  readonly entities: readonly EntityTotals[]
  readonly consistencyPoint: string
  readonly snapshot: string
  /** ISO 8601, UTC. */
  readonly closedAt: string
}

/** A named point in the log: what was committed before it stands before it, in every stream. */
export interface MarkerControl extends ControlBase {
  readonly control: 'marker'
  readonly name: string
  /** Where the commit record of the transaction that wrote the marker begins. */
  readonly lsn: string
}

export type Control =
  | EpochControl
  | ContractControl
  | AttemptControl
  | ChunkControl
  | CompleteControl
  | ManifestControl
  | MarkerControl

export type Message = Page | ChangeMessage | Control | Part
