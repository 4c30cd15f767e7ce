import type { Client } from 'pg'
import { type TextRow, insertRows } from './insert-rows.ts'
import { type Random, choose } from './random.ts'
import { randomValue, specialValues } from './random-values.ts'

/** A table as the monolith's own catalog has it: generated columns left out. */
interface Table {
  /** As it stands in SQL. */
  readonly sql: string
  readonly columns: readonly TableColumn[]
}

interface TableColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** Whether a unique index has it. */
  readonly unique: boolean
}

/** Tables whose rows are made by hand, since they refer to others or are odd by their rows. */
const BY_HAND = [
  /^public\.(tree|chicken|egg|actions|composite_links|crossings|deferred_key|empty|one_row|nulls|large|churned)$/,
  /^"Odd ""schema"".x 😀"\."Odd ""schema"".x 😀"$/,
]

/** Fills each table that refers to no other: every special value of each column's type, then random rows. */
export async function fillTables(client: Client, random: Random, randomRows: number): Promise<void> {
  for (const table of await readTables(client)) {
    if (BY_HAND.some((made) => made.test(table.sql))) continue
    const names = table.columns.map(({ name }) => name)
    await insertRows(client, table.sql, names, tableRows(table, random, randomRows))
  }
}

async function readTables(client: Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    SELECT format('%I.%I', n.nspname, c.relname) AS sql,
      (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'nullable', NOT a.attnotnull,
          'unique', EXISTS (SELECT FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey))) ORDER BY a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`)
  return rows
}

function tableRows({ columns }: Table, random: Random, randomRows: number): TextRow[] {
  const specialRows = 1 + Math.max(...columns.map(({ type }) => specialValues(type).length))
  return Array.from({ length: specialRows + randomRows }, (_, row) =>
    columns.map((column, place) => {
      if (column.name === 'id' && column.type === 'integer') return String(row + 1)
      const values = [...(column.nullable ? [null] : []), ...specialValues(column.type)]
      if (row < (column.unique ? values.length : specialRows)) return special(values, column, row, place)
      if (column.unique) return randomValue(column.type, random)
      return random(3) === 0 ? choose(random, values) : randomValue(column.type, random)
    }),
  )
}

/** Shifted by the column's place, so that special values meet others than their like; unique ones come once. */
function special<Value>(values: readonly Value[], column: TableColumn, row: number, place: number): Value | null {
  return values[(column.unique ? row : row + place) % values.length] ?? null
}
