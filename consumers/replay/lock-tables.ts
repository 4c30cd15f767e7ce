import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import type { TableName } from '../../infra/catalog/catalog.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import type { LockPatience } from '../../infra/prepare/lock-patience.ts'
import type { Places } from './shadow-schema.ts'

/**
 * How long a long try waits for all its locks together. It is less than `deadlock_timeout` (1 s if nothing else is said),
 * so that in a deadlock it is the swap that gives way and never the application. All tries take up to half a minute.
 */
export const SWAP_PATIENCE: LockPatience = { lockTimeoutMs: 700, attempts: 40, pauseMs: 500 }

/**
 * Every third try is long, and waits for those who hold a table long. On tables that many use at once, short tries come
 * through sooner: whoever holds one table and wants another comes to stand behind a wait, and then neither goes on.
 */
const LONG_EVERY = 3
const SHORT_SHARE = 1 / 10

/** What is left for a lock once the time is up: nought would mean to wait for ever. */
const LEAST_WAIT_MS = 5

/** For what has to be locked beside the tables, which hardly anyone holds without holding a table. */
const OTHER_WAIT_MS = 100

export interface Neighbour extends TableName {
  /** Whether it is locked by name, as a role needs rights for that it may not have on the others. */
  readonly isLocked: boolean
}

/**
 * What a swap locks, in the order in which it does so: the tables in use and those that refer to them; and, by changing
 * them, their sequences and the tables to which they refer.
 */
export async function readNeighbours(client: pg.Client, places: readonly Places[]): Promise<Neighbour[]> {
  const { rows } = await client.query<{ schema: string; table: string; locked: string }>(
    `WITH live AS (SELECT to_regclass(name) AS oid FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL),
     keys AS (SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'),
     locked AS (SELECT oid FROM live UNION SELECT conrelid FROM keys WHERE confrelid IN (SELECT oid FROM live)),
     changed AS (SELECT confrelid AS oid FROM keys WHERE conrelid IN (SELECT oid FROM live)
                 UNION SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
                   AND refclassid = 'pg_class'::regclass AND refobjid IN (SELECT oid FROM live))
     SELECT nspname AS schema, relname AS table, c.relkind = 'r' AND c.oid IN (SELECT oid FROM locked) AS locked
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'S') AND c.oid IN (SELECT oid FROM locked UNION SELECT oid FROM changed)
      ORDER BY nspname, relname`,
    [places.map(({ live }) => live)],
  )
  return rows.map(({ schema, table, locked }) => ({ schema, table, isLocked: locked === 't' }))
}

/**
 * Locks tables, in a try of `withLockPatience`. A try begins with the table that the one before did not get: most who
 * use several tables take them in one order, and whoever waits for the first of them stands in nobody's way.
 */
export function lockTables(
  neighbours: readonly Neighbour[],
  { lockTimeoutMs }: LockPatience,
): (client: pg.Client) => Promise<void> {
  let order = neighbours.filter(({ isLocked }) => isLocked).map(tableSql)
  let tries = 0
  return async (client) => {
    tries++
    const wholeMs = tries % LONG_EVERY === 0 ? lockTimeoutMs : lockTimeoutMs * SHORT_SHARE
    const until = performance.now() + Math.min(wholeMs, (await deadlockTimeoutMs(client)) * 0.7)
    for (const table of order) {
      order = [table, ...order.filter((other) => other !== table)]
      const leftMs = Math.max(LEAST_WAIT_MS, Math.floor(until - performance.now()))
      await client.query(`SET LOCAL lock_timeout = ${leftMs}; LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`)
    }
    await client.query(`SET LOCAL lock_timeout = ${OTHER_WAIT_MS}`)
  }
}

async function deadlockTimeoutMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ ms: string }>(
    `SELECT setting AS ms FROM pg_settings WHERE name = 'deadlock_timeout'`,
  )
  return Number(rows[0]?.ms)
}
