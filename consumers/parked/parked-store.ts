import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { hasStateTable } from '../../infra/service-database/has-state-table.ts'
import type { RowChange } from '../following/row-change.ts'
import { textArray } from '../following/change-sql.ts'
import { type ParkedChange, ParkedChangeReader, toParked } from './parked-change.ts'
import { keysOf, WaitingRows } from './waiting-rows.ts'

/** What is known of a transaction that a table did not take. */
export interface NotedTransaction {
  /** Where its commit record begins. */
  readonly position: string
  /**
   * `stopped`: the consumer ended there; `chosen`: it is to be set aside when the consumer comes to it; `parked`: it is.
   */
  readonly state: 'stopped' | 'chosen' | 'parked'
  /** Which change the table did not take, and why. */
  readonly reason: string
  /** ISO 8601, UTC. */
  readonly notedAt: string
}

/** One statement takes so many changes. */
const STATEMENT_CHANGES = 1_000

const LOCK_NAME = 'scission parked'

/**
 * Holds what waits as it is until the transaction ends. A consumer shares it while it applies a batch; whoever takes
 * changes away has it alone.
 */
export async function lockParked(client: pg.Client, isAlone: boolean): Promise<void> {
  const lock = isAlone ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await client.query(`SELECT ${lock}(hashtextextended($1, 0))`, [LOCK_NAME])
}

/** @throws Failure 4 where the database was prepared by a release that parked nothing. */
export async function readNoted(client: pg.Client, service: string): Promise<NotedTransaction[]> {
  if (!(await hasStateTable(client, 'parked_change')))
    throw new Failure(4, `The database of service ${service} is not prepared for this release: run prepare again.`)
  const { rows } = await client.query<NotedTransaction & pg.QueryResultRow>(
    `SELECT lsn::text AS position, state, reason, to_char(noted_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "notedAt"
       FROM parked_transaction ORDER BY lsn`,
  )
  return rows
}

/** How many changes wait. */
export async function countParked(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>('SELECT count(*)::text AS count FROM parked_change')
  return Number(rows[0]?.count ?? 0)
}

/** Which of the rows that these changes touch have changes that wait. */
export async function readWaiting(client: pg.Client, changes: readonly RowChange[]): Promise<WaitingRows> {
  const keys = [...new Set(changes.flatMap(keysOf))]
  const { rows } = await client.query<{ entity: string; key: string | null }>({
    name: 'scission parked keys',
    text: `SELECT entity, key FROM parked_change WHERE key = ANY ($1::text[]) OR key IS NULL
           UNION SELECT entity, new_key FROM parked_change WHERE new_key = ANY ($1::text[])`,
    values: [textArray(keys.filter((key) => key !== null))],
  })
  const waiting = new WaitingRows()
  for (const { entity, key } of rows) waiting.add(entity, key)
  return waiting
}

export async function storeChanges(client: pg.Client, changes: readonly RowChange[]): Promise<void> {
  for (let from = 0; from < changes.length; from += STATEMENT_CHANGES) {
    const some = changes.slice(from, from + STATEMENT_CHANGES)
    const columns = [
      some.map(({ place }) => place.lsn),
      some.map(({ place }) => String(place.ordinal)),
      some.map(({ place }) => place.table.entity.name),
      some.map((change) => keysOf(change)[0] ?? null),
      some.map((change) => keysOf(change)[1] ?? null),
      some.map((change) => JSON.stringify(toParked(change))),
    ]
    await client.query(
      `INSERT INTO parked_change (lsn, ordinal, entity, key, new_key, change)
       SELECT * FROM unnest($1::pg_lsn[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])`,
      columns.map(textArray),
    )
  }
}

/** What waits for rows of these entities is void: they are emptied. Transactions of which nothing is left are forgotten. */
export async function forgetEntities(client: pg.Client, entities: readonly string[]): Promise<void> {
  await client.query('DELETE FROM parked_change WHERE entity = ANY ($1::text[])', [textArray(entities)])
  await forgetEmptied(client)
}

/** Everything is void: all tables are loaded anew. */
export async function forgetAll(client: pg.Client): Promise<void> {
  await client.query('DELETE FROM parked_change')
  await client.query('DELETE FROM parked_transaction')
}

export async function forgetEmptied(client: pg.Client): Promise<void> {
  await client.query(
    `DELETE FROM parked_transaction AS own WHERE state = 'parked'
        AND NOT EXISTS (SELECT FROM parked_change AS change WHERE change.lsn = own.lsn)`,
  )
}

/** What waits of these transactions is done with. */
export async function forgetTransactions(client: pg.Client, positions: readonly string[]): Promise<void> {
  await client.query('DELETE FROM parked_change WHERE lsn = ANY ($1::pg_lsn[])', [textArray(positions)])
}

/** The transaction at which a consumer stopped is set aside when one comes to it again. */
export async function chooseTransaction(client: pg.Client, position: string): Promise<void> {
  await client.query("UPDATE parked_transaction SET state = 'chosen' WHERE lsn = $1", [position])
}

/** What waits of one transaction. */
export interface WaitingTransaction {
  readonly position: string
  readonly changes: number
  readonly entities: readonly string[]
}

/** Transactions of which something waits, in the order of the monolith. */
export async function readWaitingTransactions(client: pg.Client): Promise<WaitingTransaction[]> {
  const { rows } = await client.query<{ position: string; changes: string; entities: string }>(
    `SELECT lsn::text AS position, count(*)::text AS changes, json_agg(DISTINCT entity ORDER BY entity)::text AS entities
       FROM parked_change AS change GROUP BY lsn ORDER BY change.lsn`,
  )
  return rows.map(({ position, changes, entities }) => ({
    position,
    changes: Number(changes),
    entities: JSON.parse(entities) as string[], // Names, as the query made them.
  }))
}

/**
 * Pairs of transactions, the earlier one first, of which the later one waits for a row that the earlier one has too. Where
 * a truncate waits, its table's rows are one.
 */
export async function readLinks(client: pg.Client): Promise<(readonly [earlier: string, later: string])[]> {
  const { rows } = await client.query<{ earlier: string; later: string }>(
    `WITH touched AS (
       SELECT DISTINCT lsn, entity, touched_key
         FROM parked_change, unnest(ARRAY[key, new_key]) AS t (touched_key)
        WHERE touched_key IS NOT NULL OR key IS NULL
     ), emptied AS (
       SELECT DISTINCT lsn, entity FROM touched WHERE entity IN (SELECT entity FROM touched WHERE touched_key IS NULL)
     ), links AS (
       SELECT lag(lsn) OVER (PARTITION BY entity, touched_key ORDER BY lsn) AS earlier, lsn AS later FROM touched
        UNION
       SELECT lag(lsn) OVER (PARTITION BY entity ORDER BY lsn), lsn FROM emptied
     )
     SELECT earlier::text, later::text FROM links WHERE earlier IS NOT NULL`,
  )
  return rows.map(({ earlier, later }) => [earlier, later])
}

/** The changes of one transaction that wait, in their order, from the one after an ordinal on, some at a time. */
export async function readChanges(
  client: pg.Client,
  lsn: string,
  after: number,
  limit = STATEMENT_CHANGES,
): Promise<{ readonly ordinal: number; readonly entity: string; readonly change: ParkedChange }[]> {
  const { rows } = await client.query<{ ordinal: string; entity: string; change: string }>(
    `SELECT ordinal::text, entity, change.change FROM parked_change AS change
      WHERE lsn = $1 AND change.ordinal > $2 ORDER BY change.ordinal LIMIT $3`,
    [lsn, after, limit],
  )
  return rows.map(({ ordinal, entity, change }) => ({
    ordinal: Number(ordinal),
    entity,
    change: JSON.parse(change) as ParkedChange, // As `storeChanges` wrote it.
  }))
}

/** The same as changes that can be applied. */
export async function* changesOf(client: pg.Client, service: Service, lsn: string): AsyncGenerator<RowChange[]> {
  const reader = new ParkedChangeReader(service)
  for (let after = -1; ;) {
    const some = await readChanges(client, lsn, after)
    const last = some.at(-1)
    if (last === undefined) return
    yield some.map(({ change, entity, ordinal }) => reader.read({ lsn, ordinal, entity }, change))
    after = last.ordinal
  }
}
