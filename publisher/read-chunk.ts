import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { digestFromSums } from '../contracts/digest.ts'
import { Failure } from '../contracts/failure.ts'
import { type Entity, wireColumns } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { createRowSplitter } from '../contracts/wire/copy-rows.ts'
import type { FinishedPage, PageWriter } from '../contracts/wire/copy-to-page.ts'
import { digestSql, tableSql } from '../infra/postgres/digest-sql.ts'
import { codeOf } from '../infra/postgres/session.ts'
import { assertSameTable } from './assert-same-table.ts'
import { type Chunk, chunkCondition } from './chunk-plan.ts'
import type { StoredPages } from './read-stored-pages.ts'
import type { ReadPace } from './read-pace.ts'
import { beginWithSnapshot } from './snapshot-source.ts'
import type { ReadTotals } from './stored-readings.ts'

/** One reading task with what it needs to be done. */
export interface ChunkReading {
  readonly entity: Entity
  readonly chunk: Chunk
  /** What the log holds of it already. */
  readonly stored: StoredPages
  /** The exported snapshot's name. */
  readonly snapshot: string
  readonly pages: PageWriter
  readonly publish: (page: FinishedPage) => Promise<void>
  /** Bounds what is read of the monolith in a second; null where nothing does. */
  readonly pace: ReadPace | null
  readonly signal: AbortSignal
}

/** A table or a column that is not there, or not of that kind: only DDL in the meantime does that. */
const CHANGED_TABLE = new Set(['42P01', '42703', '42809', '3F000'])
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Reads one chunk in one short transaction under the snapshot: its digest by SQL, then by COPY the rows behind its last
 * stored page into pages.
 * @returns the totals of the whole chunk.
 * @throws TableRewritten where its rows cannot be seen any more; Failure 4 where the table was changed since the snapshot, which then does not show its rows as they were; 5
 * where it was locked for too long.
 */
export async function readChunk(client: pg.Client, reading: ChunkReading): Promise<ReadTotals> {
  try {
    return await readChunkUnderSnapshot(client, reading)
  } catch (error) {
    throw tableFailure(reading.entity, error)
  }
}

async function readChunkUnderSnapshot(client: pg.Client, reading: ChunkReading): Promise<ReadTotals> {
  const { entity, chunk, pace, signal, snapshot, stored } = reading
  await beginWithSnapshot(client, snapshot)
  const result = await client.query<{ rows: string; high: string; low: string }>(
    digestSql(entity, chunkCondition(chunk)),
  )
  const [sums] = result.rows
  if (sums === undefined) throw new Error('The digest returned no row')
  const digest = digestFromSums(sums)
  // The digest's query holds the table's lock until the commit, so that no rewrite can come between.
  await assertSameTable(client, entity)
  const copied = await copyChunk(client, reading)
  await client.query('COMMIT')
  const rows = stored.rows + copied.rows
  if (rows !== digest.rows)
    throw new Failure(
      1,
      `Table ${tableSql(entity)}, chunk ${chunk.number}: SQL counts ${digest.rows} rows, and its pages hold ${rows} (${stored.rows} of them from an earlier run) under the same snapshot; nothing of it is closed, please report it.`,
    )
  // The digest has read the same rows, and those of the pages that were stored before. It is paid for here, where no
  // transaction of the monolith is kept open by it.
  if (pace !== null) await pace(stored.bytes + copied.readBytes, signal)
  return { digest, pages: stored.pages + copied.pages, bytes: stored.bytes + copied.bytes }
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

/**
 * The statement that reads a chunk: each row's place in the table, then its columns in the shape's order.
 * @param behind the place of the last row that need not be read.
 */
export function copyChunkSql(entity: Entity, chunk: Chunk, behind: string | null = null): string {
  const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
  const condition = chunkCondition(chunk, behind)
  return `COPY (SELECT ${['ctid', ...columns].join(', ')} FROM ONLY ${tableSql(entity)} WHERE ${condition}) TO STDOUT`
}

async function copyChunk(
  client: pg.Client,
  { entity, chunk, pace, pages, publish, signal, stored }: ChunkReading,
): Promise<{ rows: number; pages: number; bytes: number; readBytes: number }> {
  const totals = { rows: 0, pages: 0, bytes: 0, readBytes: 0 }
  const finished: FinishedPage[] = []
  const splitter = createRowSplitter((bytes, from, to) => {
    const page = pages.addRow(bytes, from, to)
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
  pages.startChunk(chunk.number, stored.pages)
  for await (const bytes of client.query(copyTo(copyChunkSql(entity, chunk, stored.lastCtid)))) {
    signal.throwIfAborted()
    const piece = bytes as Uint8Array // COPY gives nothing else.
    splitter.push(piece)
    totals.readBytes += piece.length
    await drain()
    if (pace !== null) await pace(piece.length, signal)
  }
  splitter.end()
  const last = pages.finish()
  if (last) finished.push(last)
  await drain()
  return totals
}
