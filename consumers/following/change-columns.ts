import type { LongRun } from '../../contracts/wire/long-run.ts'
import { UNCHANGED, type WireValue } from '../../contracts/wire/message.ts'
import { MsgpackReader } from '../../contracts/wire/msgpack-reader.ts'
import { UUID_TEXT_BYTES, writeUuidText } from '../../contracts/wire/uuid-bytes.ts'
import { checkRow, type WireColumn } from '../../contracts/wire/wire-row.ts'
import { sqlValue } from './sql-value.ts'

/** Changes of one kind, none of which moves a key, column by column. */
export interface ChangeColumns {
  readonly op: 'I' | 'U' | 'D'
  readonly count: number
  /**
   * The texts of each column that was asked for, each as an element of a binary array: its length, and its bytes. Manual:
   * "Frontend/Backend Protocol", "Formats and Format Codes"; `array_recv` reads it.
   */
  readonly columns: readonly Buffer[]
  /** Of each of them, the places of the changes that leave its value as it is; they have null there. */
  readonly unchanged: readonly (readonly number[])[]
}

/** Places in the run's shape of the columns that are asked for, in the order asked for: of rows, and of what is deleted. */
export interface AskedPlaces {
  readonly ofRows: readonly number[]
  readonly ofKeys: readonly number[]
}

const FIRST_BYTES = 4 * 1024
/** As in `page-value.ts`: below it a loop is faster than the native copy's call. */
const SHORT_BYTES = 48
const LENGTH_BYTES = 4
const NULL_LENGTH = 0xffffffff
const [NIL, FALSE, TRUE] = [0xc0, 0xc2, 0xc3]
const [LETTER_F, LETTER_T] = [0x66, 0x74]
/** The head of a text of one byte, and the operations. */
const ONE_BYTE_TEXT = 0xa1
const OPERATIONS: Readonly<Record<number, ChangeColumns['op']>> = { 0x49: 'I', 0x55: 'U', 0x44: 'D' }

/** The texts of one column, one behind the other, in memory that is used for message after message, of whatever table. */
export class TextElements {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  length = 0
  unchanged: number[] = []

  clear(): void {
    this.length = 0
    this.unchanged = []
  }

  null(): void {
    const room = this.room(LENGTH_BYTES)
    this.length = room.writeUInt32BE(NULL_LENGTH, this.length)
  }

  /** Makes room for a text of so many bytes, and says where it begins. */
  begin(byteLength: number): number {
    const room = this.room(LENGTH_BYTES + byteLength)
    const { length } = this
    room[length] = byteLength >>> 24
    room[length + 1] = (byteLength >>> 16) & 0xff
    room[length + 2] = (byteLength >>> 8) & 0xff
    room[length + 3] = byteLength & 0xff
    this.length = length + LENGTH_BYTES + byteLength
    return length + LENGTH_BYTES
  }

  text(text: string): void {
    const at = this.begin(Buffer.byteLength(text))
    this.bytes.write(text, at)
  }

  room(byteLength: number): Buffer {
    if (this.length + byteLength > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + byteLength))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    return this.bytes
  }
}

/** Reads long runs of one shape, with no object made of a row or a value. */
export class ChangeColumnReader {
  readonly #of: string
  readonly #columns: readonly WireColumn[]
  readonly #asked: AskedPlaces
  /** Of each of the shape's columns. */
  readonly #elements: readonly TextElements[]

  /**
   * @param of names the entity in sentences.
   * @param memory is used while a run is read, by one reader after the other.
   */
  constructor(of: string, columns: readonly WireColumn[], asked: AskedPlaces, memory: TextElements[] = []) {
    this.#of = of
    this.#columns = columns
    this.#asked = asked
    this.#elements = columns.map((_, place) => (memory[place] ??= new TextElements()))
  }

  /**
   * @returns null where its changes are not all of one kind, or one of them moves a key or empties the table; and where it
   * finds what does not belong there, which whoever reads them as a whole has the words for.
   * @throws WireError where a value cannot be read, or is of another kind than its column.
   */
  read({ changesOffset, count, firstOrdinal, payload }: LongRun): ChangeColumns | null {
    const reader = new MsgpackReader(payload, changesOffset)
    for (const elements of this.#elements) elements.clear()
    let op: ChangeColumns['op'] | null = null
    for (let index = 0; index < count; index++) {
      const size = reader.arraySize(reader.head())
      const ordinal = reader.integer(reader.head())
      const own = reader.head() === ONE_BYTE_TEXT ? OPERATIONS[reader.head()] : undefined
      if (own === undefined || ordinal !== firstOrdinal + index || size !== (own === 'U' ? 4 : 3)) return null
      op ??= own
      if (own !== op || !this.#row(reader, own, index)) return null
      if (own === 'U' && reader.head() !== NIL) return null
    }
    reader.end()
    return op === null ? null : { op, count, ...this.#copied(this.#askedOf(op)) }
  }

  #askedOf(op: ChangeColumns['op']): readonly number[] {
    return op === 'D' ? this.#asked.ofKeys : this.#asked.ofRows
  }

  /** @returns false where a value is asked for that did not come along. */
  #row(reader: MsgpackReader, op: ChangeColumns['op'], change: number): boolean {
    if (reader.arraySize(reader.head()) !== this.#columns.length) return false
    const asked = this.#askedOf(op)
    for (let place = 0; place < this.#columns.length; place++) {
      const column = this.#columns[place] as WireColumn // Within the array.
      const elements = asked.includes(place) ? (this.#elements[place] ?? null) : null
      if (elements !== null && takeBytes(reader, column, elements)) continue
      const value = reader.value() as WireValue // `checkRow` refuses what is none.
      checkRow([value], [column], this.#of)
      if (elements === null) continue
      const text = sqlValue(value)
      if (typeof text === 'string') elements.text(text)
      else if (op !== 'U' || value !== UNCHANGED || this.#asked.ofKeys.includes(place)) return false
      else {
        elements.null()
        elements.unchanged.push(change)
      }
    }
    return true
  }

  /** One piece of memory of their own, of the size that they have. */
  #copied(asked: readonly number[]): Pick<ChangeColumns, 'columns' | 'unchanged'> {
    const all = asked.flatMap((place) => this.#elements[place] ?? [])
    const memory = Buffer.allocUnsafeSlow(all.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    const columns = all.map(({ bytes, length }) => {
      bytes.copy(memory, at, 0, length)
      at += length
      return memory.subarray(at - length, at)
    })
    return { columns, unchanged: all.map(({ unchanged }) => unchanged) }
  }
}

/** Takes what most values are from bytes to bytes. @returns false, having read nothing, for any other. */
function takeBytes(reader: MsgpackReader, { wire }: WireColumn, elements: TextElements): boolean {
  const { at } = reader
  const head = reader.head()
  if (head === NIL) elements.null()
  else if (wire === 'text' ? !takeText(reader, head, elements) : !takeShort(reader, head, wire, elements)) {
    reader.at = at
    return false
  }
  return true
}

function takeText(reader: MsgpackReader, head: number, elements: TextElements): boolean {
  const uuid = reader.uuid(head)
  if (uuid >= 0) {
    const to = elements.begin(UUID_TEXT_BYTES)
    writeUuidText(reader.bytes, uuid, elements.bytes, to)
    return true
  }
  const byteLength = reader.textBytes(head)
  if (byteLength < 0) return false
  const from = reader.at
  reader.at += byteLength
  const to = elements.begin(byteLength)
  const { bytes: target } = elements
  const { bytes: source } = reader
  if (byteLength > SHORT_BYTES) source.copy(target, to, from, reader.at)
  else for (let index = 0; index < byteLength; index++) target[to + index] = source[from + index] as number // As `textBytes` saw.
  return true
}

function takeShort(reader: MsgpackReader, head: number, wire: WireColumn['wire'], elements: TextElements): boolean {
  if (wire === 'boolean' && (head === FALSE || head === TRUE)) {
    const to = elements.begin(1)
    elements.bytes[to] = head === TRUE ? LETTER_T : LETTER_F
    return true
  }
  const number = wire === 'integer' ? reader.integer(head) : null
  if (number !== null) elements.text(String(number))
  return number !== null
}
