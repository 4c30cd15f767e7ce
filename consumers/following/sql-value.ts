import type { WireValue } from '../../contracts/wire/message.ts'
import { isMarker } from '../../contracts/wire/wire-row.ts'

/** PostgreSQL's text of a value, or null; undefined where a change leaves the value as it is. */
export type SqlValue = string | null | undefined

/** The text that PostgreSQL reads back as the same value. An absent value is none, like one that stays. */
export function sqlValue(value: WireValue): SqlValue {
  if (value === null) return null
  if (isMarker(value)) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`
}
