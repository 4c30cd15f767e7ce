import { type Lsn } from '../../contracts/positions.ts'

/** What the monolith sends of its WAL. Manual: "Logical Replication Message Formats", protocol version 1. */
export type PgoutputMessage =
  | {
      readonly type: 'begin'
      /** Where the commit record begins. */
      readonly commitLsn: Lsn
      /** Microseconds since 1970-01-01 UTC. */
      readonly committedAt: number
      /** 32 bits wide. */
      readonly xid: number
    }
  | { readonly type: 'commit'; readonly commitLsn: Lsn; readonly endLsn: Lsn }
  | RelationMessage
  | { readonly type: 'insert'; readonly oid: number; readonly row: Tuple }
  | { readonly type: 'update'; readonly oid: number; readonly row: Tuple; readonly old: OldTuple | null }
  | { readonly type: 'delete'; readonly oid: number; readonly old: OldTuple }
  | {
      readonly type: 'truncate'
      readonly oids: readonly number[]
      readonly cascade: boolean
      readonly restartIdentity: boolean
    }
  | { readonly type: 'message'; readonly lsn: Lsn; readonly prefix: string; readonly content: string }
  /** Where a transaction came from, and types: nothing here rests on them. */
  | { readonly type: 'other' }

export interface RelationMessage {
  readonly type: 'relation'
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly columns: readonly RelationColumn[]
}

export interface RelationColumn {
  readonly name: string
  readonly typeOid: number
  readonly typeModifier: number
}

/** A row as it came: where its count of columns stands in the message. Values are read from there one by one. */
export interface Tuple {
  readonly bytes: Buffer
  readonly at: number
}

export interface OldTuple extends Tuple {
  /** Whether the key's columns alone have values; of the whole row, all have. */
  readonly isKey: boolean
}

/** 2000-01-01 in microseconds since 1970-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000

/** The state of one value in a tuple. */
export const NULL_VALUE = 0x6e
export const TEXT_VALUE = 0x74

/** @throws Error for a message that protocol version 1 does not have. */
export function decodePgoutput(bytes: Buffer): PgoutputMessage {
  const type = String.fromCharCode(bytes.readUInt8(0))
  switch (type) {
    case 'B':
      return {
        type: 'begin',
        commitLsn: lsnAt(bytes, 1),
        committedAt: Number(bytes.readBigInt64BE(9)) + POSTGRES_EPOCH_US,
        xid: bytes.readUInt32BE(17),
      }
    case 'C':
      return { type: 'commit', commitLsn: lsnAt(bytes, 2), endLsn: lsnAt(bytes, 10) }
    case 'R':
      return decodeRelation(bytes)
    case 'I':
      return { type: 'insert', oid: bytes.readUInt32BE(1), row: { bytes, at: 6 } }
    case 'U':
      return decodeUpdate(bytes)
    case 'D':
      return { type: 'delete', oid: bytes.readUInt32BE(1), old: oldTupleAt(bytes, 5) }
    case 'T':
      return decodeTruncate(bytes)
    case 'M':
      return decodeMessage(bytes)
    case 'O':
    case 'Y':
      return { type: 'other' }
    default:
      throw new Error(`The server sent a message of the type ${JSON.stringify(type)}, which was not asked for`)
  }
}

/** Of each value of a row, its state, and where its text is; of other states the places say nothing. */
export interface ValuePlaces {
  readonly states: number[]
  readonly from: number[]
  readonly to: number[]
}

/** Finds a tuple's values, in places that are used for row after row. @throws Error where it is cut short. */
export function findValues({ bytes, at }: Tuple, { from, states, to }: ValuePlaces): void {
  const columns = bytes.readUInt16BE(at)
  let place = at + 2
  for (let index = 0; index < columns; index++) {
    const state = bytes.readUInt8(place)
    place += 1
    states[index] = state
    if (state !== TEXT_VALUE) continue
    from[index] = place + 4
    place += 4 + bytes.readUInt32BE(place)
    to[index] = place
    if (place > bytes.length) throw new Error('A row of the replication stream ends too early')
  }
}

function decodeRelation(bytes: Buffer): RelationMessage {
  const schema = textAt(bytes, 5)
  const table = textAt(bytes, schema.end)
  const count = bytes.readUInt16BE(table.end + 1)
  const columns: RelationColumn[] = []
  let at = table.end + 3
  for (let index = 0; index < count; index++) {
    const name = textAt(bytes, at + 1)
    columns.push({
      name: name.text,
      typeOid: bytes.readUInt32BE(name.end),
      typeModifier: bytes.readInt32BE(name.end + 4),
    })
    at = name.end + 8
  }
  return { type: 'relation', oid: bytes.readUInt32BE(1), schema: schema.text, table: table.text, columns }
}

function decodeUpdate(bytes: Buffer): PgoutputMessage {
  const oid = bytes.readUInt32BE(1)
  if (bytes[5] === 0x4e) return { type: 'update', oid, row: { bytes, at: 6 }, old: null }
  const old = oldTupleAt(bytes, 5)
  return { type: 'update', oid, row: { bytes, at: tupleEnd(old) + 1 }, old }
}

function oldTupleAt(bytes: Buffer, at: number): OldTuple {
  return { bytes, at: at + 1, isKey: bytes[at] === 0x4b }
}

function tupleEnd({ bytes, at }: Tuple): number {
  let end = at + 2
  for (let left = bytes.readUInt16BE(at); left > 0; left--)
    end += bytes[end] === TEXT_VALUE ? 5 + bytes.readUInt32BE(end + 1) : 1
  return end
}

function decodeTruncate(bytes: Buffer): PgoutputMessage {
  const options = bytes.readUInt8(5)
  const oids = Array.from({ length: bytes.readUInt32BE(1) }, (_, index) => bytes.readUInt32BE(6 + index * 4))
  return { type: 'truncate', oids, cascade: (options & 1) !== 0, restartIdentity: (options & 2) !== 0 }
}

function decodeMessage(bytes: Buffer): PgoutputMessage {
  const prefix = textAt(bytes, 10)
  const from = prefix.end + 4
  const content = bytes.toString('utf8', from, from + bytes.readUInt32BE(prefix.end))
  return { type: 'message', lsn: lsnAt(bytes, 2), prefix: prefix.text, content }
}

function lsnAt(bytes: Buffer, at: number): Lsn {
  return bytes.readBigUInt64BE(at) as Lsn // A position as the server writes it.
}

function textAt(bytes: Buffer, at: number): { readonly text: string; readonly end: number } {
  const end = bytes.indexOf(0, at)
  return { text: bytes.toString('utf8', at, end), end: end + 1 }
}
