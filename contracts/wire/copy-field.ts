import { type ShapeColumn, UUID_EXTENSION } from './message.ts'
import { hasHyphens, UUID_HEAD, UUID_TEXT_BYTES, UUID_VALUE_BYTES, writeUuidBytes } from './uuid-bytes.ts'
import { WireError } from './wire-error.ts'

/**
 * One row of `COPY … TO STDOUT` on its way into a page. It is one object for all rows of a page, since a row has a dozen
 * fields and there are millions of rows. Manual: COPY, "Text Format".
 */
export interface RowCursor {
  readonly entity: string
  /** What holds the row, where it begins and where its newline is, and the offset of the next byte to read. */
  bytes: Buffer
  start: number
  end: number
  read: number
  /** The page, with room for the whole row behind `written`. */
  page: Buffer
  written: number
  /** The next place of a backslash in `bytes`, once it was looked for; a place before `read` says nothing. */
  backslash: number
  column: ShapeColumn | null
}

export const TAB = 0x09
const BACKSLASH = 0x5c
const MINUS = 0x2d
const [DIGIT_0, DIGIT_9] = [0x30, 0x39]

const NIL = 0xc0
const FALSE = 0xc2
const TRUE = 0xc3
const FLOAT_64 = 0xcb

/**
 * Up to here a field is copied byte by byte, while looking for its end; beyond, by the native search and copy, whose
 * calls cost as much as that many bytes.
 */
const SHORT_RUN_BYTES = 256

/** The byte behind a backslash and what the two stand for; 0 where COPY TO writes no such pair. */
const ESCAPED = new Uint8Array(256)
for (const [letter, byte] of Object.entries({ '\\': 0x5c, b: 0x08, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b }))
  ESCAPED[letter.charCodeAt(0)] = byte

/** The value of a hexadecimal digit; beyond a byte, shifted or not, where the byte is none. */
const NO_DIGIT = 0x100
const HEXADECIMAL = new Uint16Array(256).fill(NO_DIGIT)
for (let digit = 0; digit < 16; digit++) HEXADECIMAL[digit.toString(16).charCodeAt(0)] = digit

/** What `float8out` and `float4out` write; `Number()` alone would also take hexadecimal, spaces and nothing at all. */
const FLOAT = /^(-?(\d+(\.\d+)?(e[+-]\d+)?|Infinity)|NaN)$/

/** Writes nil where the field is `\N`: unescaped, so that the text `\N` is another thing (COPY writes it as `\\N`). */
export function writeNull(cursor: RowCursor): boolean {
  const { bytes, read } = cursor
  if (bytes[read] !== BACKSLASH || bytes[read + 1] !== 0x4e) return false
  cursor.read += 2
  cursor.page[cursor.written++] = NIL
  return true
}

/**
 * Writes a text field's string. Its header stands before it and its length is known behind it, so room for the header
 * is guessed, and the string is moved where the guess was wrong: the guess costs time and never changes the bytes.
 * @param guess the header's size, in bytes, of the column's last value.
 * @returns the size that it has.
 */
export function writeText(cursor: RowCursor, guess: number): number {
  const { page, written } = cursor
  const from = written + guess
  const to = copyText(cursor, from)
  const byteLength = to - from
  const size = textHeaderSize(byteLength)
  if (size !== guess) page.copyWithin(written + size, from, to)
  writeTextHeader(page, written, byteLength)
  cursor.written = written + size + byteLength
  return size
}

/** Writes a text field's UUID as its bytes, where it is one and nothing else. */
export function writeUuid(cursor: RowCursor): boolean {
  const { bytes, read, page, written } = cursor
  const end = read + UUID_TEXT_BYTES
  if (end > cursor.end || !hasHyphens(bytes, read) || (end < cursor.end && bytes[end] !== TAB)) return false
  if (!writeUuidBytes(bytes, read, page, written + 2)) return false
  page[written] = UUID_HEAD
  page[written + 1] = UUID_EXTENSION
  cursor.read = end
  cursor.written = written + UUID_VALUE_BYTES
  return true
}

/** Copies a field without its escapes to the page's offset `to`, and returns the offset behind it. */
function copyText(cursor: RowCursor, to: number): number {
  const { bytes, end, page } = cursor
  let fieldEnd = -1
  let read = cursor.read
  let stop = Math.min(end, read + SHORT_RUN_BYTES)
  while (read < end) {
    for (; read < stop; read++) {
      const byte = bytes[read] as number // Within the row: a read behind its end would make the whole loop slow.
      if (byte === TAB || byte === BACKSLASH) break
      page[to++] = byte
    }
    if (read === end || bytes[read] === TAB) break
    if (bytes[read] === BACKSLASH) {
      page[to++] = unescaped(cursor, read + 1)
      read += 2
    } else {
      if (fieldEnd < 0) fieldEnd = endOfField(cursor, read)
      const runEnd = Math.min(fieldEnd, nextBackslash(cursor, read))
      to += bytes.copy(page, to, read, runEnd)
      read = runEnd
      stop = Math.min(end, read + SHORT_RUN_BYTES)
    }
  }
  cursor.read = read
  return to
}

/** The byte that a backslash and the letter at `place` stand for. */
function unescaped(cursor: RowCursor, place: number): number {
  const byte = place < cursor.end ? ESCAPED[cursor.bytes[place] as number] : 0 // Within the row.
  return byte === undefined || byte === 0 ? refuseField(cursor, 'an escape that COPY does not write') : byte
}

function endOfField({ bytes, end }: RowCursor, from: number): number {
  const tab = bytes.indexOf(TAB, from)
  return tab < 0 || tab > end ? end : tab
}

/** Remembered over fields and rows, so that bytes with none are searched once and not once a field. */
function nextBackslash(cursor: RowCursor, from: number): number {
  if (cursor.backslash >= from) return cursor.backslash
  const found = cursor.bytes.indexOf(BACKSLASH, from)
  return (cursor.backslash = found < 0 ? cursor.bytes.length : found)
}

/** As @msgpack/msgpack writes it: the smallest. */
function textHeaderSize(byteLength: number): number {
  if (byteLength < 0x20) return 1
  if (byteLength < 0x100) return 2
  return byteLength < 0x10000 ? 3 : 5
}

function writeTextHeader(page: Buffer, at: number, byteLength: number): void {
  if (byteLength < 0x20) page[at] = 0xa0 | byteLength
  else if (byteLength < 0x100) {
    page[at] = 0xd9
    page[at + 1] = byteLength
  } else if (byteLength < 0x10000) {
    page[at] = 0xda
    page.writeUInt16BE(byteLength, at + 1)
  } else {
    page[at] = 0xdb
    page.writeUInt32BE(byteLength, at + 1)
  }
}

/** Writes an integer field: as an integer where a double holds it exactly, and else as its text. */
export function writeInteger(cursor: RowCursor): void {
  const { bytes } = cursor
  const start = cursor.read
  const negative = bytes[start] === MINUS
  let read = negative ? start + 1 : start
  const firstDigit = read
  let value = 0
  for (let byte = bytes[read]; byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9; byte = bytes[++read])
    value = value * 10 + (byte - DIGIT_0)
  if (read === firstDigit) refuseField(cursor, 'no integer')
  cursor.read = read
  // Rounding on the way never brings a larger number below 2^53, so what passes here was exact in each step.
  if (value <= Number.MAX_SAFE_INTEGER) writeNumber(cursor, negative ? -value : value)
  else {
    writeTextHeader(cursor.page, cursor.written, read - start)
    const headerSize = textHeaderSize(read - start)
    cursor.written += headerSize + bytes.copy(cursor.page, cursor.written + headerSize, start, read)
  }
}

function writeNumber(cursor: RowCursor, value: number): void {
  const { page, written } = cursor
  if (value >= -0x20 && value < 0x80) page[cursor.written++] = value & 0xff
  else cursor.written = value < 0 ? writeNegative(page, written, value) : writePositive(page, written, value)
}

function writePositive(page: Buffer, at: number, value: number): number {
  if (value < 0x100) return page.writeUInt8(value, page.writeUInt8(0xcc, at))
  if (value < 0x10000) return page.writeUInt16BE(value, page.writeUInt8(0xcd, at))
  if (value < 0x100000000) return page.writeUInt32BE(value, page.writeUInt8(0xce, at))
  return page.writeBigUInt64BE(BigInt(value), page.writeUInt8(0xcf, at))
}

function writeNegative(page: Buffer, at: number, value: number): number {
  if (value >= -0x80) return page.writeInt8(value, page.writeUInt8(0xd0, at))
  if (value >= -0x8000) return page.writeInt16BE(value, page.writeUInt8(0xd1, at))
  if (value >= -0x80000000) return page.writeInt32BE(value, page.writeUInt8(0xd2, at))
  return page.writeBigInt64BE(BigInt(value), page.writeUInt8(0xd3, at))
}

/**
 * Writes a float field. PostgreSQL writes the shortest text that reads back as the same double, and `Number()` reads it
 * back. This makes a string a value: reading decimals exactly is not to be done again by hand.
 */
export function writeFloat(cursor: RowCursor): void {
  const end = endOfField(cursor, cursor.read)
  const text = cursor.bytes.toString('latin1', cursor.read, end)
  if (!FLOAT.test(text)) refuseField(cursor, 'no float')
  cursor.read = end
  cursor.page[cursor.written] = FLOAT_64
  cursor.written = cursor.page.writeDoubleBE(Number(text), cursor.written + 1)
}

export function writeBoolean(cursor: RowCursor): void {
  const byte = cursor.bytes[cursor.read++]
  if (byte !== 0x74 && byte !== 0x66) refuseField(cursor, 'no boolean')
  cursor.page[cursor.written++] = byte === 0x74 ? TRUE : FALSE
}

/** Writes a bytea field, which COPY writes as `\\x` and hexadecimal digits under `bytea_output = hex`. */
export function writeBinary(cursor: RowCursor): void {
  const { bytes, page, read } = cursor
  const end = endOfField(cursor, read)
  const digits = end - read - 3
  if (bytes[read] !== BACKSLASH || bytes[read + 1] !== BACKSLASH || bytes[read + 2] !== 0x78 || digits % 2 !== 0)
    refuseField(cursor, 'no bytea in hex')
  let to = writeBinaryHeader(page, cursor.written, digits / 2)
  for (let from = read + 3; from < end; from += 2) {
    const byte = (hexadecimal(bytes[from]) << 4) | hexadecimal(bytes[from + 1])
    if (byte > 0xff) refuseField(cursor, 'no bytea in hex')
    page[to++] = byte
  }
  cursor.read = end
  cursor.written = to
}

function hexadecimal(byte: number | undefined): number {
  return HEXADECIMAL[byte ?? 0] ?? NO_DIGIT
}

function writeBinaryHeader(page: Buffer, at: number, byteLength: number): number {
  if (byteLength < 0x100) return page.writeUInt8(byteLength, page.writeUInt8(0xc4, at))
  if (byteLength < 0x10000) return page.writeUInt16BE(byteLength, page.writeUInt8(0xc5, at))
  return page.writeUInt32BE(byteLength, page.writeUInt8(0xc6, at))
}

/** @throws WireError always; it names the row by its place and the column, and never shows the value. */
export function refuseField(cursor: RowCursor, found: string): never {
  const ctid = cursor.bytes.toString('latin1', cursor.start, endOfField(cursor, cursor.start))
  const column = cursor.column === null ? '' : `, column ${JSON.stringify(cursor.column.name)} (${cursor.column.wire})`
  throw new WireError(
    `The row at ${ctid.slice(0, 20)} of ${cursor.entity} cannot be sent${column}: COPY wrote ${found}; compare the contract with the monolith by preflight.`,
  )
}
