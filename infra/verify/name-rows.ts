import type { Client } from 'pg'
import type { Entity } from '../../contracts/language/contract-set.ts'
import {
  type DifferingPair,
  differingColumnsSql,
  isSecret,
  type Occurrences,
  pairsSql,
  totalSql,
} from './difference-sql.ts'
import type { ColumnDifference, KeyValue, RowDifference } from './report.ts'
import { beginning, type Excerpt, SECRET, visibleText } from './visible-text.ts'

/** How many rows of an entity differ, and the first of them by name. */
export interface NamedRows {
  readonly total: number
  readonly rows: readonly RowDifference[]
}

/** Reads what the comparison of the log's table with the service's has found. */
export async function nameRows(client: Client, entity: Entity, limit: number): Promise<NamedRows> {
  const { rows: totals } = await client.query<{ total: string }>(totalSql())
  const pairs = await client.query<PairRow>(pairsSql(entity), [limit])
  const rows: RowDifference[] = []
  for (const row of pairs.rows) {
    const pair = differingPair(entity, row)
    rows.push(rowDifference(entity, pair, await readColumns(client, entity, pair)))
  }
  return { total: Number(totals[0]?.total), rows }
}

/** What a pair says: rows without a counterpart are missing, extra or held too often, others differ in columns. */
export function rowDifference(
  entity: Entity,
  pair: DifferingPair,
  columns: readonly ColumnDifference[],
): RowDifference {
  const key = visibleKey(entity, pair.key)
  const { log, service } = pair
  if (log !== null && service !== null) return { kind: 'different', key, columns }
  const only = log ?? service
  if (only === null) throw new Error('A row that neither side holds cannot differ')
  const { expected, found } = only
  if (found === 0) return { kind: 'missing', key }
  return expected === 0 ? { kind: 'extra', key } : { kind: 'count', key, expected, found }
}

function visibleKey(entity: Entity, values: DifferingPair['key']): KeyValue[] {
  return entity.key.map((column, index) => {
    const value = isSecret(entity, column) ? SECRET : visibleText(beginning(values[index] ?? null))
    return { column, value }
  })
}

/** A column as `differingColumnsSql` returns it, in PostgreSQL's text. */
export interface ColumnRow {
  readonly position: string
  readonly characters: string | null
  readonly start: string
  readonly expected: string | null
  readonly found: string | null
  readonly expected_length: string | null
  readonly found_length: string | null
}

/** One column's difference in a form to read; a secret shows that it differs and nothing else. */
export function columnDifference(entity: Entity, row: ColumnRow): ColumnDifference {
  const column = entity.columns[Number(row.position)]
  if (column === undefined) throw new Error(`${entity.name} has no column ${row.position}`)
  if (column.secret) return { column: column.name, expected: SECRET, found: SECRET, character: null }
  const start = Number(row.start)
  const alike = row.characters === null ? null : Number(row.characters)
  const shown = (text: string | null, length: string | null): string =>
    visibleText(excerpt(text, start, Number(length)), alike === null ? -1 : alike - start)
  return {
    column: column.name,
    expected: shown(row.expected, row.expected_length),
    found: shown(row.found, row.found_length),
    character: alike === null ? null : alike + 1,
  }
}

function excerpt(text: string | null, start: number, length: number): Excerpt | null {
  if (text === null) return null
  return { text, cutBefore: start > 0, cutAfter: start + [...text].length < length }
}

async function readColumns(
  client: Client,
  entity: Entity,
  { log, service }: DifferingPair,
): Promise<ColumnDifference[]> {
  if (log === null || service === null) return []
  const { rows } = await client.query<ColumnRow>(differingColumnsSql(entity), [log.place, service.place])
  return rows.map((row) => columnDifference(entity, row))
}

type PairRow = Readonly<Record<string, string | null>>

function differingPair(entity: Entity, row: PairRow): DifferingPair {
  const side = (name: 'log' | 'service'): Occurrences | null => {
    const place = row[`${name}_place`] ?? null
    const [expected, found] = [Number(row[`${name}_expected`]), Number(row[`${name}_found`])]
    return place === null ? null : { expected, found, place }
  }
  return { key: entity.key.map((_, index) => row[`key_${index}`] ?? null), log: side('log'), service: side('service') }
}
