import { createHash } from 'node:crypto'

/** NAMEDATALEN − 1: PostgreSQL cuts longer identifiers silently, which could make two of them one. */
export const MAX_IDENTIFIER_BYTES = 63

const HASH_CHARACTERS = 8

/**
 * The name of an index or a constraint, as Prisma and PostgreSQL derive it (`Table_column_key`). A name that would be
 * too long is cut at a character's boundary and told apart by a hash of the whole.
 */
export function objectName(table: string, columns: readonly string[], suffix: 'pkey' | 'key' | 'idx' | 'fkey'): string {
  const whole = [table, ...columns, suffix].join('_')
  if (Buffer.byteLength(whole) <= MAX_IDENTIFIER_BYTES) return whole
  const ending = `_${createHash('sha256').update(whole).digest('hex').slice(0, HASH_CHARACTERS)}_${suffix}`
  let kept = ''
  for (const character of table) {
    if (Buffer.byteLength(kept + character + ending) > MAX_IDENTIFIER_BYTES) break
    kept += character
  }
  return kept + ending
}
