import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createRowSplitter } from '../../../contracts/wire/copy-rows.ts'
import { holds } from './holds.ts'

/** Each chunk is overwritten when it was taken, as a socket's buffer might be. */
function rowsOf(chunks: Iterable<Uint8Array>): string[] {
  const rows: string[] = []
  const splitter = createRowSplitter((bytes, from, to) => rows.push(bytes.toString('utf8', from, to)))
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    splitter.push(lent)
    lent.fill(0x0a)
  }
  splitter.end()
  return rows
}

function* cut(bytes: Buffer, sizes: Iterator<number>): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = (sizes.next().value as number | undefined) ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

test('rows come out whole and in order, wherever the stream is cut', () => {
  const anyRow = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }).map((row) => row.replaceAll('\n', '')),
    fc.nat(90_000).map((length) => 'r'.repeat(length)),
  )
  const sizes = fc.oneof(fc.infiniteStream(fc.integer({ min: 1, max: 9 })), fc.infiniteStream(fc.nat(70_000)))
  const small = fc.record({
    rows: fc.array(fc.string({ maxLength: 20 }).map((row) => row.replaceAll('\n', ''))),
    sizes,
  })
  const large = fc.record({
    rows: fc.array(anyRow, { maxLength: 12 }),
    sizes: fc.infiniteStream(fc.integer({ min: 50, max: 70_000 })),
  })
  holds(
    200,
    fc.property(fc.oneof(small, large), ({ rows, sizes: lengths }) => {
      const bytes = Buffer.from(rows.map((row) => `${row}\n`).join(''))
      assert.equal(rowsOf(cut(bytes, lengths)), rows)
    }),
  )
})

test('a row within a chunk is not copied', () => {
  const chunk = Buffer.from('one\ntwo\n')
  const memory: ArrayBufferLike[] = []
  createRowSplitter((bytes) => memory.push(bytes.buffer)).push(chunk)
  assert.ok(memory.every((buffer) => buffer === chunk.buffer))
})

/** The bytes that `action` copies from buffer to buffer. */
function bytesCopied(action: () => void): number {
  const { copy } = Buffer.prototype
  let copied = 0
  Buffer.prototype.copy = function (...given: Parameters<typeof copy>): number {
    const count = copy.apply(this, given)
    copied += count
    return count
  }
  try {
    action()
  } finally {
    Buffer.prototype.copy = copy
  }
  return copied
}

test('a row of many megabytes that comes in small chunks is copied about once', () => {
  const chunk = Buffer.alloc(65_536, 'x')
  const bytes = 1024 * chunk.length
  let length = 0
  const splitter = createRowSplitter((_bytes, from, to) => (length = to - from))
  const copied = bytesCopied(() => {
    for (let pushed = 0; pushed < bytes; pushed += chunk.length) splitter.push(chunk)
    splitter.push(Buffer.from('\n'))
  })
  assert.is(length, bytes)
  assert.ok(copied > bytes && copied < bytes * 1.6, `${copied} bytes`)
})

test('a stream that ends within a row is an error', () => {
  const splitter = createRowSplitter(() => undefined)
  splitter.push(Buffer.from('one\ntw'))
  assert.throws(() => splitter.end(), /ended within a row/)
})

test.run()
