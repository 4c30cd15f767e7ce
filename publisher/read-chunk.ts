import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Digest, digestFromSums } from '../contracts/digest.ts'
import { Failure } from '../contracts/failure.ts'
import { type Entity, wireColumns } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { createRowSplitter } from '../contracts/wire/copy-rows.ts'
import type { FinishedPage, PageWriter } from '../contracts/wire/copy-to-page.ts'
import { digestSql, tableSql } from '../infra/postgres/digest-sql.ts'
import { codeOf } from '../infra/postgres/session.ts'
import { assertSameTable } from './assert-same-table.ts'
import { type Chunk, chunkCondition } from './chunk-plan.ts'
import { beginWithSnapshot } from './snapshot-source.ts'

/** One reading task with what it needs to be done. */
export interface ChunkReading {
  readonly entity: Entity
  readonly chunk: Chunk
  /** The exported snapshot's name. */
  readonly snapshot: string
  readonly pages: PageWriter
  readonly publish: (page: FinishedPage) => Promise<void>
  readonly signal: AbortSignal
}

export interface ChunkTotals {
  readonly digest: Digest
  readonly pages: number
  readonly bytes: number
}

/** A table or a column that is not there, or not of that kind: only DDL in the meantime does that. */
const CHANGED_TABLE = new Set(['42P01', '42703', '42809', '3F000'])
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Reads one chunk in one short transaction under the snapshot: its digest by SQL, then its rows by COPY into pages.
 * @throws Failure 4 where the table was changed since the snapshot, which then does not show its rows as they were; 5
 * where it was locked for too long.
 */
export async function readChunk(client: pg.Client, reading: ChunkReading): Promise<ChunkTotals> {
  try {
    return await readChunkUnderSnapshot(client, reading)
  } catch (error) {
    throw tableFailure(reading.entity, error)
  }
}

async function readChunkUnderSnapshot(client: pg.Client, reading: ChunkReading): Promise<ChunkTotals> {
  const { entity, chunk, snapshot } = reading
  await beginWithSnapshot(client, snapshot)
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(
    digestSql(entity, chunkCondition(chunk)),
  )
  const [sums] = rows
  if (sums === undefined) throw new Error('The digest returned no row')
  const digest = digestFromSums(sums)
  // The digest's query holds the table's lock until the commit, so that no rewrite can come between.
  await assertSameTable(client, entity)
  const copied = await copyChunk(client, reading)
  await client.query('COMMIT')
  if (copied.rows !== digest.rows)
    throw new Failure(
      1,
      `Table ${tableSql(entity)}, chunk ${chunk.number}: SQL counts ${digest.rows} rows, and COPY gave ${copied.rows} under the same snapshot; nothing of it is closed, please report it.`,
    )
  return { digest, pages: copied.pages, bytes: copied.bytes }
}

function tableFailure(entity: Entity, error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const code = codeOf(error)
  if (CHANGED_TABLE.has(code))
    return new Failure(
      4,
      `Table ${tableSql(entity)} was changed while it was read (${error.message}): let the migration end, then run publish again.`,
      { cause: error },
    )
  if (code !== LOCK_NOT_AVAILABLE) return error
  return new Failure(
    5,
    `Table ${tableSql(entity)} was locked for longer than --max-outage, so that it could not be read: let that end, then run publish again.`,
    { cause: error },
  )
}

/** The statement that reads a chunk: each row's place in the table, then its columns in the shape's order. */
export function copyChunkSql(entity: Entity, chunk: Chunk): string {
  const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
  const condition = chunkCondition(chunk)
  return `COPY (SELECT ${['ctid', ...columns].join(', ')} FROM ONLY ${tableSql(entity)} WHERE ${condition}) TO STDOUT`
}

async function copyChunk(
  client: pg.Client,
  { entity, chunk, pages, publish, signal }: ChunkReading,
): Promise<{ rows: number; pages: number; bytes: number }> {
  const totals = { rows: 0, pages: 0, bytes: 0 }
  const finished: FinishedPage[] = []
  const splitter = createRowSplitter((row) => {
    const page = pages.addRow(row)
    if (page) finished.push(page)
  })
  const drain = async (): Promise<void> => {
    for (const page of finished.splice(0)) {
      totals.rows += page.rows
      totals.pages += 1
      totals.bytes += page.payload.length
      await publish(page)
    }
  }
  pages.startChunk(chunk.number)
  for await (const bytes of client.query(copyTo(copyChunkSql(entity, chunk)))) {
    signal.throwIfAborted()
    splitter.push(bytes as Uint8Array)
    await drain()
  }
  splitter.end()
  const last = pages.finish()
  if (last) finished.push(last)
  await drain()
  return totals
}
