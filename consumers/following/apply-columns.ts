import { createHash } from 'node:crypto'
import type pg from 'pg'
import { unreachable } from '../../contracts/failure.ts'
import type { ContractColumn } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import type { ChangeColumns } from './change-columns.ts'
import { changedPlaces, given, keyColumns, OtherCount, sameKey } from './change-sql.ts'
import type { ChangedTable } from './row-change.ts'

/** Changes of one kind of one table, each with all of its columns, or the key's where rows are deleted. */
export interface ColumnRun extends ChangeColumns {
  readonly table: ChangedTable
}

/**
 * Applies runs of one table and one kind by one statement. The arrays are sent as the server has them in memory: it
 * parses no text, and nobody here makes any.
 * @throws OtherCount where a row is not there, or there are several changes of one.
 */
export async function applyColumns(client: pg.Client, runs: readonly [ColumnRun, ...ColumnRun[]]): Promise<void> {
  const [{ columns, op, table }] = runs
  const count = runs.reduce((sum, run) => sum + run.count, 0)
  const kept = columns.flatMap((_, place) =>
    runs.some(({ unchanged }) => unchanged[place]?.length !== 0) ? place : [],
  )
  const head = arrayHead(count)
  const texts = columns.map((_, place) => Buffer.concat([head, ...runs.flatMap((run) => run.columns[place] ?? [])]))
  const values = [...texts, ...kept.map((place) => Buffer.concat([head, keptMarks(runs, place)]))]
  const text = statement(op, table, kept)
  // Prepared once a session: the same few statements come again and again.
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32)
  const { rowCount } = await client.query({ name, text, values })
  if (rowCount !== count) throw new OtherCount(count, rowCount ?? 0)
}

/** @param kept places of columns whose value some of the rows keep. */
function statement(op: ColumnRun['op'], table: ChangedTable, kept: readonly number[]): string {
  const { columns, entity } = table
  const name = tableSql(entity)
  const keys = keyColumns(table)
  switch (op) {
    case 'I': {
      const names = columns.map((column) => quoteIdentifier(column.name)).join(', ')
      const values = columns.map(given).join(', ')
      return `INSERT INTO ${name} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values} FROM ${source(columns.length)}`
    }
    case 'U':
      return `UPDATE ONLY ${name} AS own SET ${assignments(table, kept)} FROM ${source(columns.length + kept.length)} WHERE ${sameKey(keys, table.keyPlaces)}`
    case 'D':
      return `DELETE FROM ONLY ${name} AS own USING ${source(keys.length)} WHERE ${sameKey(keys)}`
    default:
      return unreachable(op)
  }
}

function assignments(table: ChangedTable, kept: readonly number[]): string {
  const { columns } = table
  const set = changedPlaces(
    table,
    Array.from(columns, () => null),
    false,
  )
  const assigned = set.map((place) => {
    const column = columns[place] as ContractColumn // A place of the table's.
    const name = quoteIdentifier(column.name)
    const mark = kept.indexOf(place)
    const value = given(column, place)
    return `${name} = ${mark < 0 ? value : `CASE WHEN given.c${columns.length + mark} IS NULL THEN ${value} ELSE own.${name} END`}`
  })
  return assigned.join(', ')
}

/** In the select list arrays are taken apart side by side and row by row; in FROM each would be written into a store first. */
function source(arrays: number): string {
  const places = Array.from({ length: arrays }, (_, place) => `unnest($${place + 1}::text[]) AS c${place}`)
  return `(SELECT ${places.join(', ')}) AS given`
}

const TEXT_OID = 25

/** One dimension, the type of the elements, their count, and where they begin to count. `array_recv` reads it. */
function arrayHead(count: number): Buffer {
  const head = Buffer.alloc(20)
  for (const [index, value] of [1, 0, TEXT_OID, count, 1].entries()) head.writeInt32BE(value, index * 4)
  return head
}

const LENGTH_BYTES = 4

/** An empty text for each row that keeps its value, and null for the others. */
function keptMarks(runs: readonly ColumnRun[], place: number): Buffer {
  const marks = runs.map(({ count, unchanged }) => {
    const own = Buffer.alloc(count * LENGTH_BYTES, 0xff)
    for (const change of unchanged[place] ?? []) own.fill(0, change * LENGTH_BYTES, (change + 1) * LENGTH_BYTES)
    return own
  })
  return Buffer.concat(marks)
}
