import { MAX_IDENTIFIER_BYTES } from '../../contracts/language/object-name.ts'
import type { ClaimableTable } from './claimable-tables.ts'

/**
 * The entities' names, by the tables' ids: the tables' own, and where two schemas have tables of one name, that of all
 * but the first with the schema before it. The tables of `public` come first.
 */
export function nameEntities(tables: readonly ClaimableTable[]): Map<string, string> {
  const names = new Map<string, string>()
  const used = new Set<string>()
  const inPublic = (table: ClaimableTable): number => (table.table.schema === 'public' ? 0 : 1)
  for (const { id, table } of tables.toSorted((a, b) => inPublic(a) - inPublic(b))) {
    const name = unused(table.schema, table.table, used)
    used.add(name)
    names.set(id, name)
  }
  return names
}

function unused(schema: string, table: string, used: ReadonlySet<string>): string {
  if (!used.has(table)) return table
  for (let number = 1; ; number += 1) {
    const candidate = shortened(`${schema}_${table}`, number === 1 ? '' : `_${number}`)
    if (!used.has(candidate)) return candidate
  }
}

/** Cut at a character's boundary, so that the ending fits too. */
function shortened(name: string, ending: string): string {
  let kept = ''
  for (const character of name) {
    if (Buffer.byteLength(kept + character + ending) > MAX_IDENTIFIER_BYTES) break
    kept += character
  }
  return kept + ending
}
