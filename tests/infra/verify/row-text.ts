import type pg from 'pg'
import type { Entity } from '../../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { tableSql } from '../../../infra/postgres/digest-sql.ts'
import { codeOf } from '../../../infra/postgres/session.ts'

/** A row as its types write it: every column of the contract, generated ones too. */
export type RowText = readonly (string | null)[]

export interface PlacedRow {
  readonly place: string
  readonly text: RowText
}

/** More rows than columns that are altered, so that each can have a row of its own. */
const MAX_ROWS = 60

/** Larger rows have a test of their own: here each is sent many times. */
const MAX_ROW_CHARACTERS = 20_000

/** The texts of a row's key. */
export function keyOf(entity: Entity, row: RowText): (string | null)[] {
  return entity.key.map((name) => row[entity.columns.findIndex((column) => column.name === name)] ?? null)
}

export function keyText(entity: Entity, row: RowText): string {
  return keyOf(entity, row).join('\0')
}

/** Takes back what an action did where it returns null, or where PostgreSQL refuses it. */
export async function inSavepoint<Result>(
  client: pg.Client,
  action: () => Promise<Result | null>,
): Promise<Result | null> {
  await client.query('SAVEPOINT try')
  const result = await action().catch((error: unknown) => {
    if (!/^[0-9A-Z]{5}$/.test(codeOf(error))) throw error
    return null
  })
  if (result === null) await client.query('ROLLBACK TO try')
  // Also after a rollback, since an outer one of the same name is behind it.
  await client.query('RELEASE try')
  return result
}

export async function queryRows(
  client: pg.Client,
  entity: Entity,
  sql: string,
  values: readonly (string | null)[] = [],
): Promise<PlacedRow[]> {
  const { rows } = await client.query<Record<string, string | null>>(sql, [...values])
  return rows.map((row) => ({
    place: row['place'] ?? '',
    text: entity.columns.map((_, index) => row[`text_${index}`] ?? null),
  }))
}

export async function readRows(client: pg.Client, entity: Entity): Promise<PlacedRow[]> {
  const sql = `SELECT ${placeAndText(entity)} FROM ONLY ${tableSql(entity)} ORDER BY ctid LIMIT ${MAX_ROWS}`
  const rows = await queryRows(client, entity, sql)
  return rows.filter(({ text }) => text.reduce((sum, value) => sum + (value?.length ?? 0), 0) <= MAX_ROW_CHARACTERS)
}

export function placeAndText(entity: Entity): string {
  const texts = entity.columns.map(({ name }, index) => {
    const column = quoteIdentifier(name)
    return `CASE WHEN num_nonnulls(${column}) = 1 THEN concat(${column}) END AS text_${index}`
  })
  return `ctid::text AS place, ${texts.join(', ')}`
}
