import { ABSENT, ABSENT_EXTENSION, type Marker, UNCHANGED, UNCHANGED_EXTENSION, UUID_EXTENSION } from './message.ts'
import { UUID_HEAD, uuidText } from './uuid-bytes.ts'
import { WireError } from './wire-error.ts'

/** What a message's bytes hold, before its fields are checked. */
export type Decoded = null | boolean | number | string | Uint8Array | Marker | Decoded[] | Map<string, Decoded>

/** A change's row is the deepest: message, runs, run, changes, change, row, value. */
const MAX_DEPTH = 8

/** Strict, since a byte that is lost in decoding is a row that is changed: no replacement characters, and the BOM stays. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads msgpack strictly. The library's own decoder is not used for reading, since it is not exact: it drops a leading
 * U+FEFF of strings beyond 200 bytes, takes invalid UTF-8, and rounds integers beyond 2^53 (tests hold the two equal
 * everywhere else). Byte arrays in the result are views of the payload.
 */
export class MsgpackReader {
  readonly bytes: Buffer
  /** The offset of the next byte to read. */
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = at
  }

  value(depth = 0): Decoded {
    const start = this.at
    const head = this.head()
    if (head === 0xc0) return null
    if (head === 0xc2 || head === 0xc3) return head === 0xc3
    if (head === 0xcb) return this.float64()
    return (
      this.integer(head) ??
      this.#text(head) ??
      this.#uuid(head) ??
      this.#binary(head) ??
      this.#array(head, depth) ??
      this.#map(head, depth) ??
      this.#marker(head) ??
      refuse(`byte 0x${head.toString(16)} at offset ${start} begins no value that the format uses`)
    )
  }

  /** The first byte of the next value. */
  head(): number {
    this.need(1)
    return this.bytes[this.at++] as number // `need` has seen it.
  }

  /** The integer that begins with `head`; null where it begins none. */
  integer(head: number): number | null {
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    if (head >= 0xcc && head <= 0xce) return this.unsigned(1 << (head - 0xcc))
    if (head >= 0xd0 && head <= 0xd2) return this.#signed(1 << (head - 0xd0))
    return head === 0xcf || head === 0xd3 ? this.#wide(head === 0xd3) : null
  }

  float64(): number {
    this.need(8)
    this.at += 8
    return this.bytes.readDoubleBE(this.at - 8)
  }

  /** The byte length of the string that begins with `head`, whole in the payload; −1 where it begins none. */
  textBytes(head: number): number {
    if ((head & 0xe0) === 0xa0) return this.need(head & 0x1f)
    return head >= 0xd9 && head <= 0xdb ? this.need(this.unsigned(1 << (head - 0xd9))) : -1
  }

  /** The byte length of the binary that begins with `head`, whole in the payload; −1 where it begins none. */
  binaryBytes(head: number): number {
    return head >= 0xc4 && head <= 0xc6 ? this.need(this.unsigned(1 << (head - 0xc4))) : -1
  }

  /** Where the 16 bytes of the UUID that begins with `head` are, which is read by it; −1 where it begins none. */
  uuid(head: number): number {
    if (head !== UUID_HEAD) return -1
    this.need(17)
    const type = this.bytes[this.at] as number // `need` has seen it.
    if (type !== UUID_EXTENSION) return -1
    this.at += 17
    return this.at - 16
  }

  /** The number of elements of the array that begins with `head`; −1 where it begins none. */
  arraySize(head: number): number {
    if ((head & 0xf0) === 0x90) return this.need(head & 0x0f)
    return head === 0xdc || head === 0xdd ? this.need(this.unsigned(head === 0xdc ? 2 : 4)) : -1
  }

  /** The number of entries of the map that begins with `head`; −1 where it begins none. */
  mapSize(head: number): number {
    if ((head & 0xf0) === 0x80) return this.need(head & 0x0f)
    return head === 0xde || head === 0xdf ? this.need(this.unsigned(head === 0xde ? 2 : 4)) : -1
  }

  key(): string {
    return this.#text(this.head()) ?? refuse(`a key of a map, before offset ${this.at}, is not text`)
  }

  /** @throws WireError where bytes follow the message. */
  end(): void {
    if (this.at < this.bytes.length) refuse(`${this.bytes.length - this.at} bytes follow its end`)
  }

  /**
   * Asserts that `count` bytes are left, which is also what `count` elements take at the very least: so a damaged
   * count never makes a reader reserve memory for what cannot be there.
   */
  need(count: number): number {
    if (count > this.bytes.length - this.at) refuse(`it ends too early, at offset ${this.bytes.length}`)
    return count
  }

  unsigned(width: number): number {
    this.need(width)
    let value = 0
    for (const end = this.at + width; this.at < end; this.at++) value = value * 256 + (this.bytes[this.at] as number) // Within `need`.
    return value
  }

  #signed(width: number): number {
    this.need(width)
    this.at += width
    return this.bytes.readIntBE(this.at - width, width)
  }

  #wide(signed: boolean): number {
    this.need(8)
    const value = signed ? this.bytes.readBigInt64BE(this.at) : this.bytes.readBigUInt64BE(this.at)
    this.at += 8
    const number = Number(value)
    return Number.isSafeInteger(number)
      ? number
      : refuse('an integer in it is beyond 2^53 − 1, and would travel as text')
  }

  #take(byteLength: number): Buffer {
    this.at += byteLength
    return this.bytes.subarray(this.at - byteLength, this.at)
  }

  #text(head: number): string | null {
    const byteLength = this.textBytes(head)
    if (byteLength < 0) return null
    const start = this.at
    try {
      return utf8.decode(this.#take(byteLength))
    } catch (cause) {
      return refuse(`the text at offset ${start} is not UTF-8`, cause)
    }
  }

  #uuid(head: number): string | null {
    const at = this.uuid(head)
    return at < 0 ? null : uuidText(this.bytes, at)
  }

  #binary(head: number): Uint8Array | null {
    const byteLength = this.binaryBytes(head)
    if (byteLength < 0) return null
    const { buffer, byteOffset } = this.#take(byteLength)
    return new Uint8Array(buffer, byteOffset, byteLength)
  }

  #array(head: number, depth: number): Decoded[] | null {
    const size = this.arraySize(head)
    if (size < 0) return null
    if (depth >= MAX_DEPTH) refuse('it is nested too deeply')
    const array: Decoded[] = []
    for (let index = 0; index < size; index++) array.push(this.value(depth + 1))
    return array
  }

  #map(head: number, depth: number): Map<string, Decoded> | null {
    const size = this.mapSize(head)
    if (size < 0) return null
    if (depth >= MAX_DEPTH) refuse('it is nested too deeply')
    const map = new Map<string, Decoded>()
    for (let index = 0; index < size; index++) {
      const key = this.key()
      if (map.has(key)) refuse(`a map holds the key ${JSON.stringify(key)} twice`)
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  /** Extension 8 without a body: the header, the length 0 and the type. */
  #marker(head: number): Marker | null {
    if (head !== 0xc7) return null
    const byteLength = this.unsigned(1)
    const type = this.unsigned(1)
    if (byteLength === 0 && type === UNCHANGED_EXTENSION) return UNCHANGED
    if (byteLength === 0 && type === ABSENT_EXTENSION) return ABSENT
    return refuse(`the extension of type ${type} before offset ${this.at} is none of the format's`)
  }
}

function refuse(what: string, cause?: unknown): never {
  throw new WireError(`A message cannot be read: ${what}.`, { cause })
}
