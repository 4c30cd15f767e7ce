import { Encoder, ExtData, ExtensionCodec } from '@msgpack/msgpack'
import { unreachable } from '../failure.ts'
import { checkedMessage, type PageFrame } from './check-message.ts'
import {
  ABSENT,
  ABSENT_EXTENSION,
  type ChangeMessage,
  type Control,
  type Message,
  type Page,
  type Part,
  UNCHANGED,
  UNCHANGED_EXTENSION,
  UUID_EXTENSION,
  type WireChange,
  type WireRow,
} from './message.ts'
import { arrayHeader, binaryHeader, mapHeader } from './msgpack-headers.ts'
import { isUuid, uuidBytes } from './uuid-bytes.ts'
import { checkRow, type WireColumn } from './wire-row.ts'

/** The columns of the shape that a run of changes names by its hash. */
export type ColumnsOf = (entity: string, shape: string) => readonly WireColumn[]

/** Bytes that are encoded already, in the place of the value that they encode. */
class Encoded {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

const NO_BODY = new Uint8Array(0)
const extensionCodec = new ExtensionCodec()
extensionCodec.register({
  type: UNCHANGED_EXTENSION,
  encode: (value) => (value === UNCHANGED ? NO_BODY : null),
  decode: () => UNCHANGED,
})
extensionCodec.register({
  type: ABSENT_EXTENSION,
  encode: (value) => (value === ABSENT ? NO_BODY : null),
  decode: () => ABSENT,
})

/**
 * Encodes any message, after checking all of it: the reference for what is written elsewhere byte by byte.
 * @param columnsOf is asked for the columns of pages and of runs of changes, whose floats must be told from integers.
 * @throws WireError where the message is not as the format has it, or a row does not fit its columns.
 */
export function encodeMessage(message: Control | Part): Uint8Array
export function encodeMessage(message: Message, columnsOf: ColumnsOf): Uint8Array
export function encodeMessage(message: Message, columnsOf: ColumnsOf = noColumns): Uint8Array {
  switch (message.kind) {
    case 'page':
      return encodePage(message, columnsOf(message.entity, message.shape))
    case 'change':
      return encodeChange(message, columnsOf)
    case 'control':
      return encodeControl(message)
    case 'part':
      return encodePart(message)
    default:
      return unreachable(message)
  }
}

function noColumns(entity: string): never {
  throw new TypeError(`Rows of ${entity} are encoded by its columns, which were not given`)
}

export function encodePage(page: Page, columns: readonly WireColumn[]): Uint8Array {
  const { rows, ...frame } = checkedMessage(page) as Page // A checked page is a page.
  for (const [index, row] of rows.entries()) checkRow(row, columns, `Row ${index} of a page of ${page.entity}`)
  return Buffer.concat([encodePageFrame(frame), encodeValue(rows.map((row) => withOwnForms(row, columns)))])
}

/** The bytes of a page up to its rows, whose array must follow. */
export function encodePageFrame(frame: PageFrame): Uint8Array {
  return encodeValue({ ...frame, rows: [] }).subarray(0, -1)
}

export function encodeChange(message: ChangeMessage, columnsOf: ColumnsOf): Uint8Array {
  const checked = checkedMessage(message) as ChangeMessage // A checked change message is one.
  const runs = checked.runs.map((run) => {
    const columns = columnsOf(run.entity, run.shape)
    return { ...run, changes: run.changes.map((change) => encodableChange(change, columns, run.entity)) }
  })
  return encodeValue({ ...checked, runs })
}

export function encodeControl(message: Control): Uint8Array {
  return encodeValue(checkedMessage(message))
}

/** Copies the part's bytes once, since they are about as large as the broker takes. */
export function encodePart(message: Part): Uint8Array {
  const part = checkedMessage(message) as Part // A checked part is one.
  const emptyBinary = 2
  const envelope = encodeValue({ ...part, bytes: NO_BODY }).subarray(0, -emptyBinary)
  return Buffer.concat([envelope, binaryHeader(part.bytes.length), part.bytes])
}

function encodableChange(change: WireChange, columns: readonly WireColumn[], entity: string): unknown {
  const encodable = (row: WireRow): unknown => {
    checkRow(row, columns, `A change of ${entity}`)
    return withOwnForms(row, columns)
  }
  const [ordinal, op] = change
  switch (op) {
    case 'I':
    case 'D':
      return [ordinal, op, encodable(change[2])]
    case 'U':
      return [ordinal, op, encodable(change[2]), change[3] === null ? null : encodable(change[3])]
    case 'T':
      return change
    default:
      return unreachable(op)
  }
}

/**
 * What the encoder would write in another form: a float column's numbers are always 64-bit floats, where it would write
 * 1.0 as the integer 1, and −0 as 0, which is another value; and a text column's UUIDs are their bytes.
 */
function withOwnForms(row: WireRow, columns: readonly WireColumn[]): readonly unknown[] {
  return row.map((value, index) => {
    const wire = columns[index]?.wire
    if (wire === 'float' && typeof value === 'number') return new Encoded(float64(value))
    if (wire === 'text' && typeof value === 'string' && isUuid(value))
      return new ExtData(UUID_EXTENSION, uuidBytes(value))
    return value
  })
}

function float64(value: number): Uint8Array {
  return new Encoder({ forceIntegerToFloat: true, initialBufferSize: 9 }).encode(value)
}

export function encodeValue(value: unknown): Uint8Array {
  return holdsEncoded(value) ? Buffer.concat([...pieces(value)]) : new Encoder({ extensionCodec }).encode(value)
}

function holdsEncoded(value: unknown): boolean {
  if (value instanceof Encoded) return true
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  return Object.values(value).some(holdsEncoded)
}

/** The library's encoding of a value, in pieces, around what in it is encoded already. */
function* pieces(value: unknown): Generator<Uint8Array> {
  if (value instanceof Encoded) yield value.bytes
  else if (!holdsEncoded(value)) yield encodeValue(value)
  else if (Array.isArray(value)) {
    yield arrayHeader(value.length)
    for (const element of value) yield* pieces(element)
  } else {
    const entries = Object.entries(value as object) // Nothing else can hold what is encoded.
    yield mapHeader(entries.length)
    for (const entry of entries) for (const piece of entry) yield* pieces(piece)
  }
}
