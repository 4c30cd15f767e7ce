import { unreachable } from '../failure.ts'
import type { WireKind } from '../language/column.ts'
import { described } from './message-fields.ts'
import { ABSENT, type Marker, UNCHANGED, type WireRow, type WireValue } from './message.ts'
import { WireError } from './wire-error.ts'

/** What a row's values need of a column. */
export interface WireColumn {
  readonly name: string
  readonly wire: WireKind
}

/** A lone surrogate, which no UTF-8 can hold: an encoder would put U+FFFD in its place without a word. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** The shortest of them, 2^53, has 16 digits; what fits a double travels as an integer. */
const WIDE_INTEGER = /^-?\d{16,}$/

export function isMarker(value: unknown): value is Marker {
  return value === UNCHANGED || value === ABSENT
}

/**
 * Checks that a value is a row, each of its values of a sort that a row can hold, and no marker but those allowed.
 * Whether they fit the columns is `checkRow`'s to say, who knows them.
 */
export function wireRowOf(row: unknown, of: string, ...allowed: readonly Marker[]): WireRow {
  if (!Array.isArray(row)) throw new WireError(`${of} must be an array, and it is ${described(row)}.`)
  for (const [index, value] of row.entries()) {
    if (isMarker(value) && !allowed.includes(value))
      throw new WireError(`${of} marks its value ${index} as ${value.state}, which cannot be there.`)
    if (!isMarker(value) && !isPlain(value))
      throw new WireError(`${of} holds ${described(value)} as its value ${index}, which no row can hold.`)
  }
  return row as WireRow // Each value has been seen.
}

function isPlain(value: unknown): boolean {
  return value === null || ['boolean', 'number', 'string'].includes(typeof value) || value instanceof Uint8Array
}

/** @throws WireError where a row does not fit its entity's columns; it names the column, and never shows the value. */
export function checkRow(row: WireRow, columns: readonly WireColumn[], of: string): void {
  if (row.length !== columns.length)
    throw new WireError(`${of} has ${row.length} values, and its shape has ${columns.length} columns.`)
  for (const [index, { name, wire }] of columns.entries()) {
    const value = row[index] as WireValue // As many values as columns.
    if (value !== null && !isMarker(value) && !fits(value, wire))
      throw new WireError(
        `${of} holds ${described(value)} in the column ${JSON.stringify(name)}, which is sent as ${wire}.`,
      )
  }
}

function fits(value: boolean | number | string | Uint8Array, wire: WireKind): boolean {
  switch (wire) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return isInteger(value)
    case 'float':
      return typeof value === 'number'
    case 'binary':
      return value instanceof Uint8Array
    case 'text':
      return typeof value === 'string' && !LONE_SURROGATE.test(value)
    default:
      return unreachable(wire)
  }
}

function isInteger(value: boolean | number | string | Uint8Array): boolean {
  if (typeof value === 'string') return WIDE_INTEGER.test(value) && !Number.isSafeInteger(Number(value))
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}
