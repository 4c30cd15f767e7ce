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
export const MAX_CHUNK_BYTES = 1024 * 1024
const MIN_CHUNK_BYTES = 64

export interface CopyTextOptions {
  readonly maxChunkBytes?: number
  /** Gives the memory for a piece, of so many bytes or more; memory of its own by default. */
  readonly allocate?: (byteLength: number) => Buffer
}

/**
 * A page's rows as text for `COPY … (columns in the shape's order) FROM STDIN`, with no string or object made for a
 * value. It comes in pieces that end anywhere; a page of an ordinary size is one piece. An error may come after some of
 * them: then their COPY must be given up.
 * @throws WireError where the rows do not fit the columns, or the payload is not a whole page.
 */
export function* copyTextChunks(
  payload: Uint8Array,
  columns: readonly PageColumn[],
  {
    maxChunkBytes = MAX_CHUNK_BYTES,
    allocate = (byteLength) => Buffer.allocUnsafeSlow(byteLength),
  }: CopyTextOptions = {},
): Generator<Buffer> {
  const { rowsOffset, rowCount } = readPageHeader(payload)
  const reader = new MsgpackReader(payload, rowsOffset)
  const newChunk = (): Buffer => allocate(chunkBytes(reader, maxChunkBytes))
  const chunk = newChunk()
  const cursor: TextCursor = { reader, chunk, written: 0, row: 0, nextEscaped: [-1, -1, -1, -1] }
  const last = columns.findLastIndex(({ leftOut }) => leftOut !== true)
  for (; cursor.row < rowCount; cursor.row++) {
    expectRow(cursor, columns.length)
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as PageColumn // Within the array.
      if (cursor.chunk.length - cursor.written < VALUE_ROOM_BYTES) yield turnOver(cursor, newChunk)
      if (column.leftOut === true) {
        skipValue(cursor, column)
        continue
      }
      for (const end = beginValue(cursor, column); reader.at < end;) {
        continueValue(cursor, column.wire, end)
        if (reader.at < end) yield turnOver(cursor, newChunk)
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
function turnOver(cursor: TextCursor, newChunk: () => Buffer): Buffer {
  const full = cursor.chunk.subarray(0, cursor.written)
  cursor.chunk = newChunk()
  cursor.written = 0
  return full
}

/** Half more than is left to read, for escapes and UUIDs: then an ordinary page is one piece. */
function chunkBytes({ bytes, at }: MsgpackReader, maxChunkBytes: number): number {
  const left = bytes.length - at
  return Math.max(MIN_CHUNK_BYTES, Math.min(maxChunkBytes, left + (left >> 1)))
}
