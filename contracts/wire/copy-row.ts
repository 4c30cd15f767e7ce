import {
  refuseField,
  type RowCursor,
  TAB,
  writeBinary,
  writeBoolean,
  writeFloat,
  writeInteger,
  writeNull,
  writeText,
  writeUuid,
} from './copy-field.ts'
import type { ShapeColumn } from './message.ts'
import { arrayHeader } from './msgpack-headers.ts'

/** What an entity's rows have in common while they are transcoded. */
export interface RowPlan {
  readonly columns: readonly ShapeColumn[]
  readonly rowHeader: Uint8Array
  /** The size of each column's last string header; see `writeText`. */
  readonly textHeaderSizes: Uint8Array
}

/** From this size on a row's room is reckoned field by field, since the rough bound is twice what a large bytea takes. */
const LARGE_ROW_BYTES = 1024 * 1024

/** More than a value takes beyond its text and the tab before it: a float of one digit becomes nine bytes. */
const VALUE_EXTRA_BYTES = 8
const ROW_HEADER_BYTES = 5

/** Between rows the cursor holds no more memory than what a socket gives at a time. */
const HELD_BYTES = 64 * 1024
export const NO_BYTES = Buffer.alloc(0)

export function rowPlan(columns: readonly ShapeColumn[]): RowPlan {
  const textHeaderSizes = new Uint8Array(columns.length).fill(1)
  return { columns, rowHeader: arrayHeader(columns.length), textHeaderSizes }
}

/** The bytes that a row may take in a page at most, its passing needs included. */
export function roomForRow(bytes: Buffer, from: number, to: number, { columns }: RowPlan): number {
  const extra = ROW_HEADER_BYTES + columns.length * VALUE_EXTRA_BYTES
  return extra + (to - from < LARGE_ROW_BYTES ? to - from : valueBytes(bytes.subarray(from, to), columns))
}

function valueBytes(row: Buffer, columns: readonly ShapeColumn[]): number {
  let total = 0
  let from = fieldEnd(row, 0) + 1
  for (const { wire } of columns) {
    const end = fieldEnd(row, from)
    total += wire === 'binary' ? Math.ceil((end - from) / 2) : end - from
    from = end + 1
  }
  return total
}

function fieldEnd(row: Buffer, from: number): number {
  const tab = row.indexOf(TAB, from)
  return tab < 0 ? row.length : tab
}

/**
 * Writes one row of COPY text, whose first field is its ctid, as an array of values to the cursor's page.
 * @param to where the row's newline is, or the end of `bytes`.
 * @returns the ctid's length.
 * @throws WireError where the row does not fit the columns.
 */
export function transcodeRow(cursor: RowCursor, bytes: Buffer, from: number, to: number, plan: RowPlan): number {
  const { columns, rowHeader, textHeaderSizes } = plan
  // Other bytes, or the same ones from their beginning, which may have been written to since.
  if (cursor.bytes !== bytes || from <= cursor.start) cursor.backslash = -1
  cursor.bytes = bytes
  cursor.start = from
  cursor.end = to
  cursor.read = from
  while (cursor.read < to && bytes[cursor.read] !== TAB) cursor.read++
  const ctidBytes = cursor.read - from
  cursor.page.set(rowHeader, cursor.written)
  cursor.written += rowHeader.length
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as ShapeColumn // Within the array.
    cursor.column = column
    if (bytes[cursor.read++] !== TAB) refuseField(cursor, 'no field in its place')
    if (writeNull(cursor)) continue
    if (column.wire === 'text') {
      if (!writeUuid(cursor)) textHeaderSizes[index] = writeText(cursor, textHeaderSizes[index] as number)
    } else writePlain(cursor, column.wire)
  }
  if (cursor.read !== to) refuseField(cursor, 'more behind it')
  if (bytes.length > HELD_BYTES) cursor.bytes = NO_BYTES
  return ctidBytes
}

function writePlain(cursor: RowCursor, wire: 'boolean' | 'integer' | 'float' | 'binary'): void {
  switch (wire) {
    case 'integer':
      return writeInteger(cursor)
    case 'boolean':
      return writeBoolean(cursor)
    case 'float':
      return writeFloat(cursor)
    case 'binary':
      return writeBinary(cursor)
  }
}
