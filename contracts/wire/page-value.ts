import { unreachable } from '../failure.ts'
import type { WireKind } from '../language/column.ts'
import type { MsgpackReader } from './msgpack-reader.ts'
import { UUID_TEXT_BYTES, writeUuidText } from './uuid-bytes.ts'
import { WireError } from './wire-error.ts'
import type { WireColumn } from './wire-row.ts'

/** Where the reading and the writing of a page stand: one object for all its values. */
export interface TextCursor {
  readonly reader: MsgpackReader
  chunk: Buffer
  written: number
  row: number
  /** For each byte of `ESCAPED_BYTES`, its next place, once it was looked for; one before the reader says nothing. */
  readonly nextEscaped: number[]
}

export const TAB = 0x09
export const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const BACKSLASH = 0x5c
const DIGIT_0 = 0x30

/** Any UUID, number, boolean, null or beginning of bytes, and the separator behind it: a UUID's 36 characters are longest. */
export const VALUE_ROOM_BYTES = 40

/** As in `copy-field.ts`: from here on the native search and copy is faster than a loop. */
const SHORT_RUN_BYTES = 256

/** What COPY FROM takes for something else; all other bytes stand for themselves. Manual: COPY, "Text Format". */
const ESCAPED_BYTES = [TAB, NEWLINE, CARRIAGE_RETURN, BACKSLASH] as const

/** The letter that stands behind the backslash for a byte; 0 where the byte stands for itself. */
const ESCAPES = new Uint8Array(256)
for (const [byte, letter] of [
  [TAB, 't'],
  [NEWLINE, 'n'],
  [CARRIAGE_RETURN, 'r'],
  [BACKSLASH, '\\'],
] as const)
  ESCAPES[byte] = letter.charCodeAt(0)

const HEXADECIMAL = Buffer.from('0123456789abcdef')
/** `-9223372036854775808` */
const WIDE_INTEGER_BYTES = 20
const WIDE_INTEGER = /^-?\d{16,}$/

export function skipValue(cursor: TextCursor, column: WireColumn): void {
  const { written } = cursor
  cursor.reader.at = beginValue(cursor, column)
  cursor.written = written
}

/** Writes a value, or what stands before its bytes; returns where those bytes end. */
export function beginValue(cursor: TextCursor, { name, wire }: WireColumn): number {
  const { reader } = cursor
  const head = reader.head()
  if (head === 0xc0) {
    cursor.chunk[cursor.written++] = BACKSLASH
    cursor.chunk[cursor.written++] = 0x4e
    return reader.at
  }
  const byteLength = wire === 'text' ? beginText(cursor, head) : beginOther(cursor, head, wire)
  if (byteLength < 0) refuseRow(cursor, `holds something else than ${wire} in the column ${JSON.stringify(name)}`)
  return reader.at + byteLength
}

function beginText(cursor: TextCursor, head: number): number {
  const { reader, chunk, written } = cursor
  const at = reader.uuid(head)
  if (at < 0) return reader.textBytes(head)
  writeUuidText(reader.bytes, at, chunk, written)
  cursor.written = written + UUID_TEXT_BYTES
  return 0
}

/** @returns how many bytes of the value are still to be written; −1 where it is of another kind than its column. */
function beginOther(cursor: TextCursor, head: number, wire: Exclude<WireKind, 'text'>): number {
  switch (wire) {
    case 'integer':
      return writeInteger(cursor, head)
    case 'boolean':
      cursor.chunk[cursor.written++] = head === 0xc3 ? 0x74 : 0x66
      return head === 0xc2 || head === 0xc3 ? 0 : -1
    case 'float':
      if (head !== 0xcb) return -1
      writeLatin1(cursor, floatText(cursor.reader.float64()))
      return 0
    case 'binary':
      writeLatin1(cursor, '\\\\x')
      return cursor.reader.binaryBytes(head)
    default:
      return unreachable(wire)
  }
}

function writeInteger(cursor: TextCursor, head: number): number {
  const { reader } = cursor
  const value = reader.integer(head)
  if (value === null) return writeWideInteger(cursor, head)
  if (value >= 0 && value < 10) cursor.chunk[cursor.written++] = DIGIT_0 + value
  else writeLatin1(cursor, String(value))
  return 0
}

function writeWideInteger(cursor: TextCursor, head: number): number {
  const { reader } = cursor
  const byteLength = reader.textBytes(head)
  if (byteLength < 0 || byteLength > WIDE_INTEGER_BYTES) return -1
  const text = reader.bytes.toString('latin1', reader.at, reader.at + byteLength)
  if (!WIDE_INTEGER.test(text)) return -1
  reader.at += byteLength
  writeLatin1(cursor, text)
  return 0
}

/**
 * The shortest text that reads back as the same double; PostgreSQL reads it back. It is exact for `real` too: what
 * `float4out` wrote has at most 9 digits, and no two decimals of up to 15 digits are one double, so the shortest text of
 * the double is that very number, and reads back as the same `real`.
 */
function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function writeLatin1(cursor: TextCursor, text: string): void {
  cursor.written += cursor.chunk.write(text, cursor.written, 'latin1')
}

/** Writes a value's bytes up to `end`, or until the chunk is full but for a separator. */
export function continueValue(cursor: TextCursor, wire: WireKind, end: number): void {
  if (wire === 'binary') writeHexadecimal(cursor, end)
  else writeEscaped(cursor, end)
}

function writeEscaped(cursor: TextCursor, end: number): void {
  const { reader, chunk } = cursor
  const { bytes } = reader
  const room = chunk.length - 1
  let at = reader.at
  let to = cursor.written
  while (at < end && room - to >= 2) {
    // Each byte may become two.
    const stop = Math.min(end, at + SHORT_RUN_BYTES, at + ((room - to) >> 1))
    while (at < stop) {
      const byte = bytes[at++] as number // Before the payload's end, as `textBytes` saw.
      const letter = ESCAPES[byte] as number // The table has every byte.
      if (letter !== 0) chunk[to++] = BACKSLASH
      chunk[to++] = letter === 0 ? byte : letter
    }
    if (at < end) {
      const runEnd = Math.min(nextEscaped(cursor, at), end, at + room - to)
      to += bytes.copy(chunk, to, at, runEnd)
      at = runEnd
    }
  }
  reader.at = at
  cursor.written = to
}

/** Places are remembered, so that a byte which does not occur is looked for once and not once a value. */
function nextEscaped({ reader, nextEscaped: next }: TextCursor, at: number): number {
  let nearest = reader.bytes.length
  for (let index = 0; index < ESCAPED_BYTES.length; index++) {
    let place = next[index] as number // As many places as bytes.
    if (place < at) {
      const found = reader.bytes.indexOf(ESCAPED_BYTES[index] as number, at) // Within the array.
      place = next[index] = found < 0 ? reader.bytes.length : found
    }
    nearest = Math.min(nearest, place)
  }
  return nearest
}

function writeHexadecimal(cursor: TextCursor, end: number): void {
  const { reader, chunk } = cursor
  const stop = Math.min(end, reader.at + ((chunk.length - 1 - cursor.written) >> 1))
  for (; reader.at < stop; reader.at++) {
    const byte = reader.bytes[reader.at] as number // Before the payload's end, as `binaryBytes` saw.
    chunk[cursor.written++] = HEXADECIMAL[byte >> 4] as number // 16 digits.
    chunk[cursor.written++] = HEXADECIMAL[byte & 15] as number
  }
}

/** @throws WireError always; it names the row by its place in the page, and never shows a value. */
export function refuseRow({ row }: TextCursor, what: string): never {
  throw new WireError(`Row ${row} of a page ${what}.`)
}
