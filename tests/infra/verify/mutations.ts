import type pg from 'pg'
import { type ContractColumn, type Entity, wireColumns } from '../../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { tableSql } from '../../../infra/postgres/digest-sql.ts'
import { inTransaction } from '../../../infra/postgres/session.ts'
import { inSavepoint, keyText, type PlacedRow, placeAndText, queryRows, readRows, type RowText } from './row-text.ts'
import { otherDouble, otherTexts } from './other-values.ts'

/** A row that was altered, removed (`after` is null) or added (`before` is null). */
export interface Alteration {
  readonly entity: Entity
  readonly before: RowText | null
  readonly after: RowText | null
}

/** What can be done to one value. Each returns values to try in turn: not every text is a value of every type. */
export const VALUE_MUTATIONS: Readonly<Record<string, (change: ValueChange) => Promise<readonly (string | null)[]>>> = {
  // A boolean or a label is one bit away from nothing, so there it is another value.
  'one bit of a value': async ({ column, value, others }) =>
    value === null ? [] : [...oneBit(column, value), ...(value === 't' ? ['f'] : []), ...others],
  'NULL for a value, the empty string first': async ({ column, value, others }) =>
    column.nullable ? (value === null ? ['', '{}', ...others] : [null]) : [],
  '-0 for 0, or 0 for -0': async ({ column, value }) =>
    column.wire === 'float' && (value === '0' || value === '-0') ? [value === '0' ? '-0' : '0'] : [],
  'a trailing space': async ({ value }) => (value === null ? [] : [`${value} `]),
  'the smallest step of time': async ({ client, column, value }) =>
    value !== null && /^(timestamp|time|interval)/.test(column.type) ? await laterTexts(client, column, value) : [],
}

export interface ValueChange {
  readonly client: pg.Client
  readonly column: ContractColumn
  readonly value: string | null
  /** The column's other values in the table. */
  readonly others: readonly (string | null)[]
}

/** Runs an action in a transaction that fires no trigger: no foreign key acts on what a test does to a row. */
export async function altering<Result>(client: pg.Client, action: () => Promise<Result>): Promise<Result> {
  return await inTransaction(client, 'BEGIN', async () => {
    await client.query('SET LOCAL session_replication_role = replica')
    return await action()
  })
}

/** Keeps the rows of every table, so that `restoreRows` can put them back. */
export async function keepRows(client: pg.Client, entities: readonly Entity[]): Promise<void> {
  await client.query('CREATE SCHEMA kept')
  for (const [index, entity] of entities.entries())
    await client.query(`CREATE TABLE kept.table_${index} AS TABLE ${tableSql(entity)}`)
}

export async function restoreRows(client: pg.Client, entities: readonly Entity[]): Promise<void> {
  await altering(client, async () => {
    for (const [index, entity] of entities.entries()) {
      const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
      await client.query(`DELETE FROM ONLY ${tableSql(entity)}`)
      await client.query(
        `INSERT INTO ${tableSql(entity)} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${columns.join(', ')} FROM kept.table_${index}`,
      )
    }
  })
}

const MAX_COLUMNS = 25

/** Rows on which an alteration of one column is tried. */
const MAX_TRIES = 12

/** Pairs of rows, and values to step aside to, with which a swap is tried. */
const MAX_SWAPS = 100
const MAX_THIRDS = 3

/** Alters one value in each column that the mutation applies to, each in a row of its own. */
export async function alterEachColumn(client: pg.Client, entity: Entity, kind: string): Promise<Alteration[]> {
  const mutate = VALUE_MUTATIONS[kind]
  if (mutate === undefined) throw new Error(`There is no mutation ${kind}`)
  const table = await openTable(client, entity)
  const alterations: Alteration[] = []
  for (const column of someColumns(entity)) {
    const done = await alterColumn(client, table, column, mutate)
    if (done !== null) alterations.push(done)
  }
  return alterations
}

/** Swaps two different values of each column, each time between two rows that nothing else has touched. */
export async function swapInEachColumn(client: pg.Client, entity: Entity): Promise<Alteration[]> {
  const table = await openTable(client, entity)
  const alterations: Alteration[] = []
  for (const column of someColumns(entity)) alterations.push(...(await swapColumn(client, table, column)))
  return alterations
}

/** All columns that travel, or so many of a very wide table, from the first to the last. */
function someColumns(entity: Entity): readonly ContractColumn[] {
  const columns = wireColumns(entity)
  const step = Math.max(1, Math.ceil(columns.length / MAX_COLUMNS))
  return columns.filter((_, index) => index % step === 0 || index === columns.length - 1)
}

/** A table under alteration: the rows that are still as they were, and the keys that must not be made twice. */
interface OpenTable {
  readonly entity: Entity
  readonly untouched: PlacedRow[]
  readonly keys: Set<string>
}

async function openTable(client: pg.Client, entity: Entity): Promise<OpenTable> {
  const untouched = await readRows(client, entity)
  return { entity, untouched, keys: new Set(untouched.map(({ text }) => keyText(entity, text))) }
}

async function alterColumn(
  client: pg.Client,
  table: OpenTable,
  column: ContractColumn,
  mutate: (change: ValueChange) => Promise<readonly (string | null)[]>,
): Promise<Alteration | null> {
  const place = table.entity.columns.indexOf(column)
  const values = table.untouched.map(({ text }) => text[place] ?? null)
  // The rows whose value is the most telling come first: empty, then short ones.
  const rows = [...table.untouched].sort((one, other) => weight(one.text[place]) - weight(other.text[place]))
  let tries = 0
  for (const row of rows) {
    const value = row.text[place] ?? null
    const others = values.filter((other) => other !== null && other !== value)
    const texts = await mutate({ client, column, value, others })
    if (texts.length > 0 && tries++ >= MAX_TRIES) return null
    for (const text of texts) {
      const after = await update(client, table, column, row, text)
      if (after === null) continue
      table.untouched.splice(table.untouched.indexOf(row), 1)
      return { entity: table.entity, before: row.text, after: after.text }
    }
  }
  return null
}

function weight(value: string | null | undefined): number {
  return value === null || value === undefined ? 1_000_000 : value.length
}

async function swapColumn(client: pg.Client, table: OpenTable, column: ContractColumn): Promise<Alteration[]> {
  const place = table.entity.columns.indexOf(column)
  let tries = 0
  for (const one of table.untouched)
    // From the far end, since neighbours in a join table are often of one side.
    for (const other of table.untouched.toReversed()) {
      const [left, right] = [one.text[place] ?? null, other.text[place] ?? null]
      if (left === right || left === null || right === null || tries++ >= MAX_SWAPS) continue
      const swapped = await swap(client, table, column, [one, other])
      if (swapped === null) continue
      table.untouched.splice(table.untouched.indexOf(one), 1)
      table.untouched.splice(table.untouched.indexOf(other), 1)
      return swapped
    }
  return []
}

/** At once, or by way of a third value where a unique index looks at every step. */
async function swap(
  client: pg.Client,
  table: OpenTable,
  column: ContractColumn,
  pair: readonly [PlacedRow, PlacedRow],
): Promise<Alteration[] | null> {
  const value = pair[0].text[table.entity.columns.indexOf(column)] ?? ''
  for (const third of [null, ...otherTexts(value).slice(0, MAX_THIRDS)]) {
    const swapped = await inSavepoint(client, async () => await swapBy(client, table, column, pair, third))
    if (swapped !== null) return swapped
  }
  return null
}

async function swapBy(
  client: pg.Client,
  { entity, untouched }: OpenTable,
  column: ContractColumn,
  [one, other]: readonly [PlacedRow, PlacedRow],
  third: string | null,
): Promise<Alteration[] | null> {
  const place = entity.columns.indexOf(column)
  const table: OpenTable = { entity, untouched, keys: new Set() }
  const aside = third === null ? one : await update(client, table, column, one, third)
  const [left, right] = [one.text[place] ?? null, other.text[place] ?? null]
  const second = third === null ? null : await update(client, table, column, other, left)
  const first = aside && (await update(client, table, column, aside, right))
  const last = second ?? (await update(client, table, column, other, left))
  if (first === null || last === null) return null
  return [
    { entity, before: one.text, after: first.text },
    { entity, before: other.text, after: last.text },
  ]
}

/** Null where the table does not take the value, or takes it for the same one, or it would make a key twice. */
async function update(
  client: pg.Client,
  { entity, keys }: OpenTable,
  column: ContractColumn,
  row: PlacedRow,
  value: string | null,
): Promise<PlacedRow | null> {
  const sql = `UPDATE ONLY ${tableSql(entity)} SET ${quoteIdentifier(column.name)} = $1::${column.type} WHERE ctid = $2::tid RETURNING ${placeAndText(entity)}`
  return await inSavepoint(client, async () => {
    const [after] = await queryRows(client, entity, sql, [value, row.place])
    if (after === undefined || after.text.every((text, index) => text === row.text[index])) return null
    // Before PostgreSQL 16 a "char" of more than 7 bits is written as a byte that is no UTF-8.
    if (column.type === '"char"' && after.text.some((text) => text === '\u{fffd}')) return null
    const key = keyText(entity, after.text)
    return key !== keyText(entity, row.text) && keys.has(key) ? null : after
  })
}

/** Removes one row. */
export async function deleteRow(client: pg.Client, entity: Entity): Promise<Alteration[]> {
  const [row] = await readRows(client, entity)
  if (row === undefined) return []
  await client.query(`DELETE FROM ONLY ${tableSql(entity)} WHERE ctid = $1::tid`, [row.place])
  return [{ entity, before: row.text, after: null }]
}

/** Adds one row: another one's copy, with other values where an index wants them unique. */
export async function addRow(client: pg.Client, entity: Entity): Promise<Alteration[]> {
  const { untouched, keys } = await openTable(client, entity)
  const unique = new Set([entity.key, ...entity.indexes.filter((index) => index.unique).map(({ on }) => on)].flat())
  const columns = wireColumns(entity)
  const insert =
    `INSERT INTO ${tableSql(entity)} (${columns.map(({ name }) => quoteIdentifier(name)).join(', ')}) OVERRIDING SYSTEM VALUE ` +
    `VALUES (${columns.map(({ type }, index) => `$${index + 1}::${type}`).join(', ')}) RETURNING ${placeAndText(entity)}`
  for (const { text } of untouched)
    for (let choice = 0; choice < MAX_CHOICES; choice++) {
      const values = columns.map((column) => {
        const value = text[entity.columns.indexOf(column)] ?? null
        return value !== null && unique.has(column.name) ? (otherTexts(value)[choice] ?? value) : value
      })
      const added = await inSavepoint(client, async () => {
        const [row] = await queryRows(client, entity, insert, values)
        return row === undefined || keys.has(keyText(entity, row.text)) ? null : row
      })
      if (added !== null) return [{ entity, before: null, after: added.text }]
    }
  return []
}

const MAX_CHOICES = 40

/** Adds a copy of one row, where no index forbids it. Generated columns are left to compute themselves. */
export async function duplicateRow(client: pg.Client, entity: Entity): Promise<RowText | null> {
  const [row] = await readRows(client, entity)
  if (row === undefined) return null
  const columns = wireColumns(entity)
    .map(({ name }) => quoteIdentifier(name))
    .join(', ')
  await client.query(
    `INSERT INTO ${tableSql(entity)} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ONLY ${tableSql(entity)} WHERE ctid = $1::tid`,
    [row.place],
  )
  return row.text
}

function oneBit(column: ContractColumn, value: string): readonly string[] {
  return column.type === 'double precision' ? otherDouble(value) : otherTexts(value)
}

/** From one microsecond up to where the column's precision shows it. */
async function laterTexts(client: pg.Client, { type }: ContractColumn, value: string): Promise<string[]> {
  const steps = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].map((step) => `interval '${step} microseconds'`)
  const sums = steps.map((step) => `(v + ${step})::${type}::text`)
  const later = await inSavepoint(client, async () => {
    const { rows } = await client.query<{ later: string }>(
      `SELECT unnest(ARRAY[${sums.join(', ')}]) AS later FROM (SELECT $1::${type} AS v) AS one`,
      [value],
    )
    return rows.map((row) => row.later)
  })
  return later ?? []
}
