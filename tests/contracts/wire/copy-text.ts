import type { WireKind } from '../../../contracts/language/column.ts'
import type { WireRow, WireValue } from '../../../contracts/wire/message.ts'
import { copyTextChunks, type PageColumn } from '../../../contracts/wire/page-to-copy.ts'
import type { WireColumn } from '../../../contracts/wire/wire-row.ts'

/**
 * COPY's text format as its manual page has it, once more and as plainly as can be, to hold the byte transcoders to.
 * It writes what `COPY TO` does, every control character that it escapes included.
 */
const WRITTEN: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** One row as `COPY (SELECT ctid, …) TO` writes it, without its newline. */
export function copyRow(ctid: string, row: WireRow, columns: readonly WireColumn[]): Buffer {
  return Buffer.from([ctid, ...row.map((value, index) => copyField(value, columns[index]?.wire ?? 'text'))].join('\t'))
}

export function copyField(value: WireValue, wire: WireKind): string {
  if (value === null) return '\\N'
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value instanceof Uint8Array) return `\\\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'number') return wire === 'float' && Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'string') throw new Error(`COPY writes no ${value.state} value`)
  return value.replace(/[\\\b\f\n\r\t\v]/g, (character) => WRITTEN[character] ?? character)
}

/** Reads rows as `COPY FROM` does, into the values that would be sent for them. */
export function parseCopyText(text: string, columns: readonly WireColumn[]): WireRow[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('The last row has no newline')
  return lines.map((line) => line.split('\t').map((field, index) => parseField(field, columns[index]?.wire ?? 'text')))
}

function parseField(field: string, wire: WireKind): WireValue {
  if (field === '\\N') return null
  const written = Object.fromEntries(Object.entries(WRITTEN).map(([character, pair]) => [pair, character]))
  const text = field.replace(/\\./gsu, (pair) => written[pair] ?? pair.slice(1))
  if (/[\r]/.test(field)) throw new Error('A carriage return stands bare in COPY text')
  switch (wire) {
    case 'boolean':
      return text === 't'
    case 'integer':
      return Number.isSafeInteger(Number(text)) ? Number(text) : text
    case 'float':
      return Number(text)
    case 'binary':
      return new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    case 'text':
      return text
  }
}

/** All pieces of a page's text. */
export function copyTextOf(payload: Uint8Array, columns: readonly PageColumn[]): Buffer {
  return Buffer.concat([...copyTextChunks(payload, columns)])
}
