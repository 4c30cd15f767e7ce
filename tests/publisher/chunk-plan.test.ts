import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Chunk,
  CHUNK_BYTES,
  chunkBytesAt,
  chunkCondition,
  planChunks,
  readingOrder,
} from '../../publisher/chunk-plan.ts'
import { BANK } from './bank.ts'

const BLOCK_BYTES = 8192

const sizes = fc.record({
  blocks: fc.integer({ min: 0, max: 2_000_000 }),
  bytes: fc.integer({ min: 0, max: 2 ** 44 }),
  estimatedRows: fc.constant(0),
})

test('the chunks of a table are numbered, meet without gap or overlap, and are open at both ends', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 32 }), (size, readers) => {
      const chunks = planChunks(size, readers)
      assert.equal(
        chunks.map(({ number }) => number),
        chunks.map((_, index) => index),
      )
      assert.is(chunks[0]?.fromBlock, null)
      assert.is(chunks.at(-1)?.toBlock, null)
      for (const [index, { toBlock }] of chunks.slice(0, -1).entries()) {
        assert.is(chunks[index + 1]?.fromBlock, toBlock)
        assert.ok((chunks[index]?.fromBlock ?? 0) < (toBlock ?? 0), 'a chunk is empty')
        assert.ok((toBlock ?? 0) < size.blocks, 'a bound lies behind the table')
      }
    }),
  )
})

test('every block is in exactly one chunk', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 32 }), fc.nat(3_000_000), (size, readers, block) => {
      const holding = planChunks(size, readers).filter((chunk) => holds(chunk, block))
      assert.is(holding.length, 1)
    }),
  )
})

test('a chunk holds 64 MiB at most, where the table has enough blocks', () => {
  const bytes = 10 * CHUNK_BYTES
  const chunks = planChunks({ blocks: bytes / BLOCK_BYTES, bytes, estimatedRows: 0 }, 2)
  assert.is(chunks.length, 10)
})

test('a bounded rate makes chunks small, since the digest of one is read at once, but never tiny', () => {
  assert.is(chunkBytesAt(20_000_000), 5_000_000)
  assert.is(chunkBytesAt(1), 4 * 1024 * 1024)
  assert.is(chunkBytesAt(10_000_000_000), CHUNK_BYTES)
  const bytes = 40 * CHUNK_BYTES
  assert.is(planChunks({ blocks: bytes / BLOCK_BYTES, bytes, estimatedRows: 0 }, 2, CHUNK_BYTES / 4).length, 160)
})

test('values that are stored apart count too', () => {
  assert.is(planChunks({ blocks: 1_000, bytes: 20 * CHUNK_BYTES, estimatedRows: 0 }, 2).length, 20)
})

test('a table of some size is shared by all readers, and a small one is not', () => {
  assert.is(planChunks({ blocks: 2_000, bytes: 2_000 * BLOCK_BYTES, estimatedRows: 0 }, 4).length, 4)
  assert.is(planChunks({ blocks: 100, bytes: 100 * BLOCK_BYTES, estimatedRows: 0 }, 4).length, 1)
})

test('a table without a block is one open chunk: rows may have come since', () => {
  assert.equal(planChunks({ blocks: 0, bytes: 0, estimatedRows: 0 }, 4), [
    { number: 0, fromBlock: null, toBlock: null },
  ])
})

test('a range is a condition on the place of a row', () => {
  assert.is(chunkCondition({ number: 0, fromBlock: null, toBlock: null }), 'true')
  assert.is(chunkCondition({ number: 0, fromBlock: null, toBlock: 5 }), `ctid < '(5,0)'::tid`)
  assert.is(chunkCondition({ number: 1, fromBlock: 5, toBlock: null }), `ctid >= '(5,0)'::tid`)
  assert.is(chunkCondition({ number: 1, fromBlock: 5, toBlock: 9 }), `ctid >= '(5,0)'::tid AND ctid < '(9,0)'::tid`)
})

test('large tables are read first, and tables of one size in the order of their names', () => {
  const entities = BANK.services.flatMap((service) => service.entities)
  const sized = entities.map((entity, index) => ({
    entity,
    size: { blocks: 1, bytes: index === 1 ? 100 : 5, estimatedRows: 0 },
  }))
  const order = readingOrder(sized).map(({ entity }) => entity.name)
  assert.is(order[0], entities[1]?.name)
  assert.equal(order.slice(1), order.slice(1).sort())
  assert.is(sized.length, order.length)
})

function holds({ fromBlock, toBlock }: Chunk, block: number): boolean {
  return (fromBlock === null || block >= fromBlock) && (toBlock === null || block < toBlock)
}

test.run()
