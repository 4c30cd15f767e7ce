/** The forms of the texts in a message's frame. Each has one form a value, so that equal things are equal bytes. */

/** The first 16 hexadecimal digits of a SHA-256; see `shapeHash`. */
export const SHAPE_HASH = /^[0-9a-f]{16}$/

/** The place of a row in its table: block and line pointer, for example `(0,1)`. */
export const CTID = /^\((0|[1-9]\d{0,9}),(0|[1-9]\d{0,4})\)$/

/** As `lsnText` prints it, without leading zeros. */
export const LSN = /^(0|[1-9A-F][0-9A-F]{0,7})\/(0|[1-9A-F][0-9A-F]{0,7})$/

/** A transaction's id, 64 bits wide. */
export const XID = /^[1-9]\d{0,19}$/

/** As `pg_snapshot` prints it: xmin, xmax, and those in progress between them. */
export const SNAPSHOT = /^\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?$/

export const SYSTEM_ID = /^\d{1,20}$/

/** A sum modulo 2^128. */
export const ROWS_DIGEST = /^[0-9a-f]{32}$/

/** ISO 8601 in UTC. */
export const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/
