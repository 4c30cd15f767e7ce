import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Digest, digestFromSums, digestText } from '../../contracts/digest.ts'
import { Failure } from '../../contracts/failure.ts'
import { type Entity, wireColumns } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { digestSql, tableSql } from '../postgres/digest-sql.ts'
import { codeOf, type PostgresTarget } from '../postgres/session.ts'
import { createDifferingSql, createLogTableSql, inLogTable } from './difference-sql.ts'
import { nameRows } from './name-rows.ts'
import type { RowDifferences, Totals } from './report.ts'
import { withStoppableSession } from './stoppable-session.ts'

/** What a table must hold. */
export interface ExpectedTable {
  readonly totals: Totals
  /** The rows themselves, as text that `COPY FROM` takes: all columns but those that the database computes. */
  readonly copyText: () => AsyncIterable<Uint8Array>
  /** What is to be said where those rows do not add up to the totals; null where nothing. */
  readonly noteOf: (found: Totals) => string | null
}

export interface RowComparison {
  readonly database: PostgresTarget
  /** The snapshot in which the service's rows were found to differ, exported by the session that did. */
  readonly snapshotName: string
  readonly entity: Entity
  readonly expected: ExpectedTable
  /** How many rows are named. */
  readonly limit: number
  readonly signal: AbortSignal | undefined
}

/**
 * Errors by which a database says that it has no room or no right for temporary tables: no privilege, a standby, a full
 * disk, `temp_file_limit`. Manual: "PostgreSQL Error Codes".
 */
const NO_TEMPORARY_TABLE = new Set(['42501', '25006', '53100', '53400'])

/** Manual: "PostgreSQL Error Codes", classes 22 and 23. */
const DATA_EXCEPTION = /^2[23]/

/**
 * Names the rows that differ, by bringing the expected rows into a temporary table beside the service's and comparing the
 * two in SQL. It sees the very state of the service in which the totals differed.
 */
export async function compareRows(comparison: RowComparison): Promise<RowDifferences> {
  const { database, signal } = comparison
  return await withStoppableSession(database, 'verify rows', signal, async (client) => {
    // Only a transaction that may write can fill a table, also one of its own; its end removes all of it.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE')
    try {
      await client.query(`SET TRANSACTION SNAPSHOT '${comparison.snapshotName}'`)
      return await compareInTransaction(client, comparison)
    } catch (error) {
      if (!NO_TEMPORARY_TABLE.has(codeOf(error))) throw error
      return { total: null, rows: [], note: noTemporaryTable(error) }
    } finally {
      await client.query('ROLLBACK').catch(() => undefined)
    }
  })
}

async function compareInTransaction(
  client: Client,
  { entity, expected, limit }: RowComparison,
): Promise<RowDifferences> {
  await client.query(createLogTableSql(entity))
  if (expected.totals.rows > 0) await copyLog(client, entity, expected)
  const inLog = totalsOf(await readDigest(client, inLogTable(entity)))
  await client.query(createDifferingSql(entity))
  return { ...(await nameRows(client, entity, limit)), note: expected.noteOf(inLog) }
}

async function copyLog(client: Client, entity: Entity, { copyText }: ExpectedTable): Promise<void> {
  try {
    await pipeline(Readable.from(copyText()), client.query(copyFrom(copyLogSql(entity))))
  } catch (cause) {
    if (!DATA_EXCEPTION.test(codeOf(cause))) throw cause
    // PostgreSQL's own sentence would quote the value, which may be a secret.
    throw new Failure(
      4,
      `The log's rows of ${entity.name} do not fit the contract's columns (SQLSTATE ${codeOf(cause)}): verify with the contract set that they were published with.`,
    )
  }
}

/** What the log's own pages say of a manifest that they do not add up to; null where they do. */
export function logNote(entity: Entity, expected: Totals, inLog: Totals): string | null {
  if (sameTotals(expected, inLog)) return null
  return (
    `The pages of ${entity.name} in the log hold ${inLog.rows} rows with the digest ${inLog.digest}, and the manifest counts ${expected.rows} with ${expected.digest}: ` +
    'the rows named here are measured by the pages, and the log itself differs from the monolith; publish --new-epoch.'
  )
}

export function sameTotals(left: Totals, right: Totals): boolean {
  return left.rows === right.rows && left.digest === right.digest
}

export function totalsOf(digest: Digest): Totals {
  return { rows: digest.rows, digest: digestText(digest) }
}

/**
 * Count and digest of a table as the transaction sees it.
 * @param where a condition in SQL, for a part of the table.
 */
export async function readDigest(client: Client, entity: Entity, where?: string): Promise<Digest> {
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(digestSql(entity, where))
  const [sums] = rows
  if (sums === undefined) throw new Error('The digest returned no row')
  return digestFromSums(sums)
}

function copyLogSql(entity: Entity): string {
  const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
  return `COPY ${tableSql(inLogTable(entity))} (${columns.join(', ')}) FROM STDIN`
}

function noTemporaryTable(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  return `The rows cannot be named, because the database has no room or no right for a temporary table (${said}): verify with a role that has the TEMPORARY privilege on it.`
}
