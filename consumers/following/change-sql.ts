import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { ContractColumn } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import type { ChangedTable, RowKey } from './row-change.ts'
import type { SqlValue } from './sql-value.ts'

/** A statement touched another number of rows than it had to. */
export class OtherCount extends Error {
  readonly expected: number
  readonly found: number

  constructor(expected: number, found: number) {
    super(`${found} rows were touched, and it had to be ${expected}`)
    this.expected = expected
    this.found = found
  }
}

/** One statement takes so many rows: more gain nothing, and its text is held in memory. */
const STATEMENT_ROWS = 5_000

/** Inserts rows that must not be there. Manual: "INSERT", OVERRIDING SYSTEM VALUE. */
export async function insertRows(
  client: pg.Client,
  { entity, columns }: ChangedTable,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const values = columns.map((column, index) => given(column, index)).join(', ')
  const sql = `INSERT INTO ${tableSql(entity)} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values} FROM ${source(columns.length)}`
  await run(client, sql, columns.length, rows)
}

/** Updates rows that must be there, by their keys, and in each the columns for which it has a value. */
export async function updateRows(
  client: pg.Client,
  table: ChangedTable,
  updates: readonly { readonly key: RowKey; readonly row: readonly SqlValue[] }[],
): Promise<void> {
  for (const [changed, alike] of groupBySet(table, updates)) {
    const set = changed.map((place) => table.columns[place] as ContractColumn) // A place of the table's.
    const keys = keyColumns(table)
    const assigned = set.map(
      (column, index) => `${quoteIdentifier(column.name)} = ${given(column, keys.length + index)}`,
    )
    const sql =
      `UPDATE ONLY ${tableSql(table.entity)} AS own SET ${assigned.join(', ')} ` +
      `FROM ${source(keys.length + set.length)} WHERE ${sameKey(keys)}`
    const rows = alike.map(({ key, row }) => [...key.values, ...changed.map((place) => row[place])])
    await run(client, sql, keys.length + set.length, rows)
  }
}

/** Deletes rows that must be there, by their keys. */
export async function deleteRows(client: pg.Client, table: ChangedTable, keys: readonly RowKey[]): Promise<void> {
  const columns = keyColumns(table)
  const sql = `DELETE FROM ONLY ${tableSql(table.entity)} AS own USING ${source(columns.length)} WHERE ${sameKey(columns)}`
  const rows = keys.map(({ values }) => values)
  await run(client, sql, columns.length, rows)
}

/** Which columns an update sets: those it has values for. A key is not changed by it, and an identity cannot be. */
export function changedPlaces(
  { columns, entity, keyPlaces }: ChangedTable,
  row: readonly SqlValue[],
  withKey: boolean,
): number[] {
  const places = columns.flatMap(({ identity, name }, place) =>
    row[place] === undefined || identity === 'ALWAYS' || (!withKey && entity.key.includes(name)) ? [] : [place],
  )
  // A row of which nothing is to be changed must be there all the same.
  return places.length > 0 ? places : [...keyPlaces]
}

type Update = { readonly key: RowKey; readonly row: readonly SqlValue[] }

function groupBySet(table: ChangedTable, updates: readonly Update[]): [number[], Update[]][] {
  const groups = new Map<string, [number[], Update[]]>()
  for (const update of updates) {
    const isRekeyed = table.keyPlaces.some((place, index) => update.row[place] !== update.key.values[index])
    const places = changedPlaces(table, update.row, isRekeyed)
    const group = groups.get(places.join(',')) ?? [places, []]
    group[1].push(update)
    groups.set(places.join(','), group)
  }
  return [...groups.values()]
}

export function keyColumns({ columns, keyPlaces }: ChangedTable): ContractColumn[] {
  return keyPlaces.map((place) => columns[place] as ContractColumn) // The contract's key is among its columns.
}

/** @param places where each of them is among what is given. */
export function sameKey(keys: readonly ContractColumn[], places: readonly number[] = [...keys.keys()]): string {
  const same = keys.map((column, index) => `own.${quoteIdentifier(column.name)} = ${given(column, places[index] ?? 0)}`)
  return same.join(' AND ')
}

/** Values come as texts, since an array of arrays would lose its rows: the cast reads each as the type itself would. */
export function given({ type }: ContractColumn, index: number): string {
  return `(given.c${index})::${type}`
}

function source(columns: number): string {
  const places = Array.from({ length: columns }, (_, index) => index)
  const parameters = places.map((index) => `$${index + 1}::text[]`).join(', ')
  return `unnest(${parameters}) AS given (${places.map((index) => `c${index}`).join(', ')})`
}

/** What needs a backslash in an array's text. Manual: "Array Input and Output Syntax". */
const ESCAPED = /["\\]/g
const HAS_ESCAPED = /["\\]/

/** An array of texts as PostgreSQL reads it. The driver's own making of it took longer than all else that is done to a row. */
export function textArray(values: readonly (string | null)[]): string {
  let text = '{'
  for (const [index, value] of values.entries()) {
    if (index > 0) text += ','
    if (value === null) text += 'NULL'
    else text += HAS_ESCAPED.test(value) ? `"${value.replaceAll(ESCAPED, '\\$&')}"` : `"${value}"`
  }
  return `${text}}`
}

async function run(
  client: pg.Client,
  text: string,
  columns: number,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  // Prepared once a session: the same few statements come again and again.
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32)
  for (let from = 0; from < rows.length; from += STATEMENT_ROWS) {
    const some = rows.slice(from, from + STATEMENT_ROWS)
    const values = Array.from({ length: columns }, (_, index) => textArray(some.map((row) => row[index] ?? null)))
    const { rowCount } = await client.query({ name, text, values })
    if (rowCount !== some.length) throw new OtherCount(some.length, rowCount ?? 0)
  }
}
