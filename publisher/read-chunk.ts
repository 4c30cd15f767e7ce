import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Digest, digestFromSums } from '../contracts/digest.ts'
import { Failure } from '../contracts/failure.ts'
import { type Entity, wireColumns } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { createRowSplitter } from '../contracts/wire/copy-rows.ts'
import type { FinishedPage, PageWriter } from '../contracts/wire/copy-to-page.ts'
import { digestSql, tableSql } from '../infra/postgres/digest-sql.ts'
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

/**
 * Reads one chunk in one short transaction under the snapshot: its digest by SQL, then its rows by COPY into pages.
 * @throws Failure 4 where the table was rewritten since the snapshot, which then shows none of its rows.
 */
export async function readChunk(client: pg.Client, reading: ChunkReading): Promise<ChunkTotals> {
  const { entity, chunk, snapshot } = reading
  await beginWithSnapshot(client, snapshot)
  const { rows } = await client.query<{ rows: string; high: string; low: string }>(
    digestSql(entity, chunkCondition(chunk)),
  )
  const [sums] = rows
  if (sums === undefined) throw new Error('The digest returned no row')
  const digest = digestFromSums(sums)
  // The digest's query holds the table's lock until the commit, so that no rewrite can come between.
  await assertNotRewritten(client, entity)
  const copied = await copyChunk(client, reading)
  await client.query('COMMIT')
  if (copied.rows !== digest.rows)
    throw new Error(`${entity.name}, chunk ${chunk.number}: SQL counts ${digest.rows} rows, COPY gave ${copied.rows}`)
  return { digest, pages: copied.pages, bytes: copied.bytes }
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

async function assertNotRewritten(client: pg.Client, entity: Entity): Promise<void> {
  const { rows } = await client.query<{ same: string }>(
    `SELECT class.relfilenode = pg_relation_filenode(class.oid) AS same
       FROM pg_class AS class WHERE class.oid = $1::regclass`,
    [tableSql(entity)],
  )
  if (rows[0]?.same === 't') return
  throw new Failure(
    4,
    `Table ${tableSql(entity)} was rewritten while the snapshot was read (ALTER TABLE, VACUUM FULL, CLUSTER or TRUNCATE), so the snapshot no longer shows its rows: let that end, then run publish again.`,
  )
}
