import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteLiteral } from '../contracts/language/quoting.ts'

/** One reading task: a range of a table's blocks, from the first to before the end; null where it is open. */
export interface Chunk {
  readonly number: number
  readonly fromBlock: number | null
  readonly toBlock: number | null
}

/** What the catalog says of a table before it is read. Sizes are the main fork's blocks and the bytes with TOAST. */
export interface TableSize {
  readonly blocks: number
  readonly bytes: number
  readonly estimatedRows: number
}

/** What a reader repeats at most after a crash; and a chunk is one short transaction in the monolith. */
export const CHUNK_BYTES = 64 * 1024 * 1024

/** A transaction and a message for each chunk: below this they would cost more than what is read. */
const LEAST_CHUNK_BYTES = 4 * 1024 * 1024

/** How much of a second's bytes a chunk of a bounded publication may have. */
const CHUNK_SECONDS = 0.25

/**
 * How large chunks are where a rate bounds what is read, in bytes: a chunk's rows are read at the rate, in a transaction that
 * should stay short all the same, and its digest at once.
 */
export function chunkBytesAt(bytesPerSecond: number): number {
  return Math.min(CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, Math.floor(bytesPerSecond * CHUNK_SECONDS)))
}

/**
 * The chunks of a table: ranges of blocks that hold at most about `chunkBytes` with their TOASTed values, and at least as
 * many as there are readers where the table is worth it. The ends are open: whatever the snapshot shows is in a range.
 */
export function planChunks(size: TableSize, readers: number, chunkBytes: number = CHUNK_BYTES): Chunk[] {
  const wanted = Math.max(Math.ceil(size.bytes / chunkBytes), size.bytes > CHUNK_BYTES / 8 ? readers : 1)
  return cutTable({ blocks: size.blocks, chunks: Math.max(1, Math.min(wanted, size.blocks)) })
}

/** How a table is cut, as the log says it to whoever goes on: from the same two numbers follow the same chunks. */
export interface TableCut {
  readonly blocks: number
  readonly chunks: number
}

/** Where the chunks begin is a part of the wire format: see docs/wire-format.md. */
export function cutTable({ blocks, chunks }: TableCut): Chunk[] {
  return Array.from({ length: chunks }, (_, number) => ({
    number,
    fromBlock: number === 0 ? null : Math.floor((blocks * number) / chunks),
    toBlock: number === chunks - 1 ? null : Math.floor((blocks * (number + 1)) / chunks),
  }))
}

/**
 * The range as an SQL condition, which PostgreSQL runs as a TID range scan (from version 14 on).
 * @param behind the place of the last row that is not wanted any more.
 */
export function chunkCondition({ fromBlock, toBlock }: Chunk, behind: string | null = null): string {
  const conditions = [
    ...(behind === null ? [] : [`ctid > ${quoteLiteral(behind)}::tid`]),
    ...(behind !== null || fromBlock === null ? [] : [`ctid >= '(${fromBlock},0)'::tid`]),
    ...(toBlock === null ? [] : [`ctid < '(${toBlock},0)'::tid`]),
  ]
  return conditions.length === 0 ? 'true' : conditions.join(' AND ')
}

/** Tables in the order in which they are read: the large ones first, so that no reader is left with one at the end. */
export function readingOrder<Table extends { readonly entity: Entity; readonly size: TableSize }>(
  tables: readonly Table[],
): Table[] {
  return [...tables].sort(
    (left, right) => right.size.bytes - left.size.bytes || (left.entity.name < right.entity.name ? -1 : 1),
  )
}
