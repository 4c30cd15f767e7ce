import { unreachable } from '../failure.ts'
import type { WireKind } from '../language/column.ts'
import { ABSENT_EXTENSION, UNCHANGED_EXTENSION, UUID_EXTENSION } from './message.ts'
import { arrayHeader, binaryHeader, mapHeader } from './msgpack-headers.ts'
import { hasHyphens, UUID_HEAD, UUID_TEXT_BYTES, UUID_VALUE_BYTES, writeUuidBytes } from './uuid-bytes.ts'
import { WireError } from './wire-error.ts'

/** More than any header, number or marker takes. */
const HEAD_ROOM_BYTES = 16

const FIRST_BYTES = 1024
/** As in `page-value.ts`: below it a loop is faster than the native copy's call. */
const SHORT_BYTES = 48
const [MINUS, DIGIT_0, DIGIT_9, LETTER_T, LETTER_F] = [0x2d, 0x30, 0x39, 0x74, 0x66]
const [BACKSLASH, LETTER_X] = [0x5c, 0x78]
const [NIL, FALSE, TRUE, FLOAT_64] = [0xc0, 0xc2, 0xc3, 0xcb]

/** What `float8out` and `float4out` write. */
const FLOAT = /^(-?(\d+(\.\d+)?(e[+-]\d+)?|Infinity)|NaN)$/

/**
 * Writes values as the format has them, from PostgreSQL's own text of each: bytes to bytes, so that no text passes
 * through a decoder that would change it. The bytes are those that `encodeMessage` writes.
 */
export class ValueWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  length = 0

  /** What was written since `clear`; a view that the next write may change. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  null(): void {
    this.#room(1)[this.length++] = NIL
  }

  unchanged(): void {
    this.#extension(UNCHANGED_EXTENSION)
  }

  absent(): void {
    this.#extension(ABSENT_EXTENSION)
  }

  boolean(value: boolean): void {
    this.#room(1)[this.length++] = value ? TRUE : FALSE
  }

  array(size: number): void {
    if (size < 16) this.#room(1)[this.length++] = 0x90 | size
    else this.#raw(arrayHeader(size))
  }

  map(size: number): void {
    this.#raw(mapHeader(size))
  }

  /** A short text of the frame, such as an operation. */
  text(text: string): void {
    const byteLength = Buffer.byteLength(text)
    const room = this.#room(HEAD_ROOM_BYTES + byteLength)
    this.length = writeTextHeader(room, this.length, byteLength)
    this.length += room.write(text, this.length)
  }

  integer(value: number): void {
    const room = this.#room(HEAD_ROOM_BYTES)
    this.length = value < 0 ? writeNegative(room, this.length, value) : writePositive(room, this.length, value)
  }

  /**
   * A column's value.
   * @param source holds PostgreSQL's text of it between `from` and `to`.
   * @throws WireError where the text is none of the column's kind; it never shows the value.
   */
  value(wire: WireKind, source: Buffer, from: number, to: number): void {
    switch (wire) {
      case 'text':
        return this.#uuid(source, from, to) ? undefined : this.#text(source, from, to)
      case 'integer':
        return this.#integer(source, from, to)
      case 'boolean':
        return this.boolean(readBoolean(source, from, to))
      case 'float':
        return this.#float(source, from, to)
      case 'binary':
        return this.#binary(source, from, to)
      default:
        return unreachable(wire)
    }
  }

  #extension(type: number): void {
    const room = this.#room(3)
    room[this.length] = 0xc7
    room[this.length + 1] = 0
    room[this.length + 2] = type
    this.length += 3
  }

  #uuid(source: Buffer, from: number, to: number): boolean {
    if (to - from !== UUID_TEXT_BYTES || !hasHyphens(source, from)) return false
    const room = this.#room(UUID_VALUE_BYTES)
    if (!writeUuidBytes(source, from, room, this.length + 2)) return false
    room[this.length] = UUID_HEAD
    room[this.length + 1] = UUID_EXTENSION
    this.length += UUID_VALUE_BYTES
    return true
  }

  #text(source: Buffer, from: number, to: number): void {
    const byteLength = to - from
    const room = this.#room(HEAD_ROOM_BYTES + byteLength)
    this.length = writeTextHeader(room, this.length, byteLength)
    // A short text is written before the native copy is called.
    if (byteLength > SHORT_BYTES) source.copy(room, this.length, from, to)
    else for (let index = 0; index < byteLength; index++) room[this.length + index] = source[from + index] as number // Within the text.
    this.length += byteLength
  }

  #integer(source: Buffer, from: number, to: number): void {
    const isNegative = source[from] === MINUS
    let at = isNegative ? from + 1 : from
    let value = 0
    for (; at < to; at++) {
      const byte = source[at] as number // Within the value.
      if (byte < DIGIT_0 || byte > DIGIT_9) refuse('no integer')
      value = value * 10 + (byte - DIGIT_0)
    }
    if (to === (isNegative ? from + 1 : from)) refuse('no integer')
    // Rounding on the way never brings a larger number below 2^53, so what passes here was exact in each step.
    if (value > Number.MAX_SAFE_INTEGER) this.#text(source, from, to)
    else this.integer(isNegative && value !== 0 ? -value : value)
  }

  #float(source: Buffer, from: number, to: number): void {
    const text = source.toString('latin1', from, to)
    if (!FLOAT.test(text)) refuse('no float')
    const room = this.#room(9)
    room[this.length] = FLOAT_64
    this.length = room.writeDoubleBE(Number(text), this.length + 1)
  }

  #binary(source: Buffer, from: number, to: number): void {
    const digits = to - from - 2
    if (source[from] !== BACKSLASH || source[from + 1] !== LETTER_X || digits < 0 || digits % 2 !== 0)
      refuse('no bytea in hex')
    const bytes = Buffer.from(source.toString('latin1', from + 2, to), 'hex')
    if (bytes.length * 2 !== digits) refuse('no bytea in hex')
    this.#raw(binaryHeader(bytes.length))
    this.#raw(bytes)
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes, this.length)
    this.length += bytes.length
  }

  #room(bytes: number): Buffer {
    if (this.length + bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + bytes))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

function readBoolean(source: Buffer, from: number, to: number): boolean {
  const byte = source[from]
  if (to - from !== 1 || (byte !== LETTER_T && byte !== LETTER_F)) refuse('no boolean')
  return byte === LETTER_T
}

function writeTextHeader(target: Buffer, at: number, byteLength: number): number {
  if (byteLength < 0x20) {
    target[at] = 0xa0 | byteLength
    return at + 1
  }
  if (byteLength < 0x100) return target.writeUInt8(byteLength, target.writeUInt8(0xd9, at))
  if (byteLength < 0x10000) return target.writeUInt16BE(byteLength, target.writeUInt8(0xda, at))
  return target.writeUInt32BE(byteLength, target.writeUInt8(0xdb, at))
}

function writePositive(target: Buffer, at: number, value: number): number {
  if (value < 0x80) {
    target[at] = value
    return at + 1
  }
  if (value < 0x100) return target.writeUInt8(value, target.writeUInt8(0xcc, at))
  if (value < 0x10000) return target.writeUInt16BE(value, target.writeUInt8(0xcd, at))
  if (value < 0x100000000) return target.writeUInt32BE(value, target.writeUInt8(0xce, at))
  return target.writeBigUInt64BE(BigInt(value), target.writeUInt8(0xcf, at))
}

function writeNegative(target: Buffer, at: number, value: number): number {
  if (value >= -0x20) return target.writeInt8(value, at)
  if (value >= -0x80) return target.writeInt8(value, target.writeUInt8(0xd0, at))
  if (value >= -0x8000) return target.writeInt16BE(value, target.writeUInt8(0xd1, at))
  if (value >= -0x80000000) return target.writeInt32BE(value, target.writeUInt8(0xd2, at))
  return target.writeBigInt64BE(BigInt(value), target.writeUInt8(0xd3, at))
}

function refuse(found: string): never {
  throw new WireError(`The server wrote ${found}.`)
}
