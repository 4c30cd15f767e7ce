import { MsgpackReader } from './msgpack-reader.ts'
import { readPageHeader } from './page-header.ts'
import {
  beginValue,
  continueValue,
  NEWLINE,
  refuseRow,
  skipValue,
  TAB,
  type TextCursor,
  VALUE_ROOM_BYTES,
} from './page-value.ts'
import type { WireColumn } from './wire-row.ts'

export interface PageColumn extends WireColumn {
  /** Whether the column is left out of the COPY text, since the table does not have it. */
  readonly leftOut?: boolean
}

/** A larger page is handed on in pieces of this size, so that a row of 64 MB costs no second one in memory. */
const MAX_CHUNK_BYTES = 512 * 1024
const MIN_CHUNK_BYTES = 64

/**
 * A page's rows as text for `COPY … (columns in the shape's order) FROM STDIN`, with no string or object made for a
 * value. It comes in pieces of `maxChunkBytes` at most, each in memory of its own, which end anywhere; a page of an
 * ordinary size is one piece. An error may come after some of them: then their COPY must be given up.
 * @throws WireError where the rows do not fit the columns, or the payload is not a whole page.
 */
export function* copyTextChunks(
  payload: Uint8Array,
  columns: readonly PageColumn[],
  maxChunkBytes = MAX_CHUNK_BYTES,
): Generator<Buffer> {
  const { rowsOffset, rowCount } = readPageHeader(payload)
  const reader = new MsgpackReader(payload, rowsOffset)
  const chunk = newChunk(reader, maxChunkBytes)
  const cursor: TextCursor = { reader, chunk, written: 0, row: 0, nextEscaped: [-1, -1, -1, -1] }
  const last = columns.findLastIndex(({ leftOut }) => leftOut !== true)
  for (; cursor.row < rowCount; cursor.row++) {
    expectRow(cursor, columns.length)
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as PageColumn // Within the array.
      if (cursor.chunk.length - cursor.written < VALUE_ROOM_BYTES) yield turnOver(cursor, maxChunkBytes)
      if (column.leftOut === true) {
        skipValue(cursor, column)
        continue
      }
      for (const end = beginValue(cursor, column); reader.at < end;) {
        continueValue(cursor, column.wire, end)
        if (reader.at < end) yield turnOver(cursor, maxChunkBytes)
      }
      cursor.chunk[cursor.written++] = index === last ? NEWLINE : TAB
    }
  }
  reader.end()
  yield cursor.chunk.subarray(0, cursor.written)
}

function expectRow(cursor: TextCursor, columns: number): void {
  const size = cursor.reader.arraySize(cursor.reader.head())
  if (size !== columns) refuseRow(cursor, size < 0 ? 'is not an array' : `has ${size} values for ${columns} columns`)
}

/** Hands over what is written, and goes on in a new piece. */
function turnOver(cursor: TextCursor, maxChunkBytes: number): Buffer {
  const full = cursor.chunk.subarray(0, cursor.written)
  cursor.chunk = newChunk(cursor.reader, maxChunkBytes)
  cursor.written = 0
  return full
}

/** With half more than is left to read, for escapes and UUIDs: then an ordinary page is one piece. */
function newChunk({ bytes, at }: MsgpackReader, maxChunkBytes: number): Buffer {
  const left = bytes.length - at
  return Buffer.allocUnsafeSlow(Math.max(MIN_CHUNK_BYTES, Math.min(maxChunkBytes, left + (left >> 1))))
}
