import fc from 'fast-check'
import { deepStrictEqual } from 'node:assert'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPageWriter, type FinishedPage, type PageWriterOptions } from '../../../contracts/wire/copy-to-page.ts'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodePage } from '../../../contracts/wire/encode-message.ts'
import type { Page, WireRow } from '../../../contracts/wire/message.ts'
import { PageMemory } from '../../../contracts/wire/page-memory.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { copyRow } from './copy-text.ts'
import { holds } from './holds.ts'
import { anyTable, columnsOf, type Table } from './sample-rows.ts'

const header = { epoch: 1, entity: 'Élément', shape: '0123456789abcdef', attempt: 2 }
const CHUNK = 7

const anySizes = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(3000)).map(([targetBytes, more]) => ({
  targetBytes,
  limitBytes: targetBytes + more,
}))

function ctidOf(index: number): string {
  return `(${Math.floor(index / 7)},${(index % 7) + 1})`
}

function pagesOf(
  { columns, rows }: Table,
  sizes: Pick<PageWriterOptions, 'targetBytes' | 'limitBytes'>,
): FinishedPage[] {
  const writer = createPageWriter({ columns, header, ...sizes })
  writer.startChunk(CHUNK)
  const closed = rows.map((row, index) => writer.addRow(copyRow(ctidOf(index), row, columns)))
  return [...closed, writer.finish()].filter((page) => page !== null)
}

function referencePage({ page, firstCtid, lastCtid }: FinishedPage, rows: readonly WireRow[]): Page {
  return { v: 1, kind: 'page', ...header, chunk: CHUNK, page, firstCtid, lastCtid, rows }
}

test('pages are byte for byte what the reference encoder writes for the same rows', () => {
  holds(
    300,
    fc.property(anyTable, anySizes, (table, sizes) => {
      let next = 0
      for (const page of pagesOf(table, sizes)) {
        const rows = table.rows.slice(next, (next += page.rows))
        const expected = encodePage(referencePage(page, rows), table.columns)
        assert.ok(Buffer.from(expected).equals(page.payload), `page ${page.page}`)
      }
    }),
  )
})

/** Rows of 1 kB, so that pages fill the memory that they are lent. */
function longRows(count: number): Table {
  const columns = columnsOf(['integer', 'text'])
  return {
    columns,
    rows: Array.from({ length: count }, (_, index) => [index, String(index).repeat(1000).slice(0, 1000)]),
  }
}

test('pages in memory that was given back are the same, and pages that were not given back stay as they are', () => {
  const [{ columns, rows }, sizes] = [longRows(3000), { targetBytes: 200_000, limitBytes: 400_000 }]
  const memory = new PageMemory(sizes.targetBytes)
  const seen = new Set<ArrayBufferLike>()
  const kept: FinishedPage[] = []
  let pages = 0
  const take = (page: FinishedPage | null): void => {
    if (page === null) return
    pages += 1
    seen.add(page.payload.buffer)
    if (pages % 3 > 0) kept.push(page)
    else memory.giveBack(page.payload.fill(0xff))
  }
  const writer = createPageWriter({ columns, header, ...sizes, memory })
  writer.startChunk(CHUNK)
  for (const [index, row] of rows.entries()) take(writer.addRow(copyRow(ctidOf(index), row, columns)))
  take(writer.finish())
  assert.ok(pages > 10 && seen.size < pages, `${pages} pages in ${seen.size} pieces of memory`)
  const expected = pagesOf({ columns, rows }, sizes)
  for (const { page, payload } of kept)
    assert.ok(Buffer.from(expected[page]?.payload ?? []).equals(payload), `page ${page}`)
})

test('what was not lent is not taken back', () => {
  const memory = new PageMemory(100)
  const lent = memory.take()
  memory.giveBack(Buffer.allocUnsafeSlow(lent.length - 1))
  memory.giveBack(Buffer.from('small'))
  memory.giveBack(lent.subarray(5, 50))
  assert.is(memory.take().buffer, lent.buffer)
  assert.is.not(memory.take().buffer, lent.buffer)
})

test('decoded pages hold every row once, in order, with the places of their first and last rows', () => {
  holds(
    200,
    fc.property(anyTable, anySizes, (table, sizes) => {
      const rows: WireRow[] = []
      for (const [index, finished] of pagesOf(table, sizes).entries()) {
        const page = decodeMessage(finished.payload) as Page
        assert.is(finished.page, index)
        assert.is(finished.rows, page.rows.length)
        assert.is(page.firstCtid, ctidOf(rows.length))
        rows.push(...page.rows)
        assert.is(page.lastCtid, ctidOf(rows.length - 1))
      }
      // For uvu's assertion −0 would be 0.
      deepStrictEqual(rows, table.rows)
    }),
  )
})

test('a page passes the limit only with a single row, and falls short of the target only before such a cut or at the end', () => {
  holds(
    200,
    fc.property(anyTable, anySizes, (table, sizes) => {
      const pages = pagesOf(table, sizes)
      for (const [index, { payload, rows }] of pages.entries()) {
        assert.ok(payload.length <= sizes.limitBytes || rows === 1)
        // The room for the longest frame is a few dozen bytes more than this frame.
        const next = pages[index + 1]
        if (payload.length + 60 < sizes.targetBytes && next !== undefined)
          assert.ok(payload.length + next.payload.length > sizes.limitBytes - 60)
      }
    }),
  )
})

test('a page that has reached the target takes no further row', () => {
  holds(
    200,
    fc.property(anyTable, anySizes, (table, sizes) => {
      let next = 0
      for (const page of pagesOf(table, sizes)) {
        const allButLast = table.rows.slice(next, next + page.rows - 1)
        next += page.rows
        if (allButLast.length === 0) continue
        const before = encodePage(referencePage(page, allButLast), table.columns)
        assert.ok(before.length < sizes.targetBytes)
      }
    }),
  )
})

test('a row that is cut from a page and fills the next one by itself leaves that page to itself', () => {
  const columns = columnsOf(['text'])
  const rows = [200, 900, 10].map((length) => ['x'.repeat(length)])
  const pages = pagesOf({ columns, rows }, { targetBytes: 900, limitBytes: 1200 })
  assert.equal(
    pages.map((page) => page.rows),
    [1, 1, 1],
  )
})

test('a row that takes more than its text has room, however wide it is', () => {
  const columns = columnsOf(['text', ...Array.from({ length: 1599 }, () => 'float' as const)])
  const rows = [['x'.repeat(65_000), ...Array.from({ length: 1599 }, () => 0)]]
  const [page] = pagesOf({ columns, rows }, { targetBytes: 1, limitBytes: 1_000_000 })
  assert.equal((decodeMessage(page?.payload ?? new Uint8Array(0)) as Page).rows, rows)
})

test('the same rows are split in the same way again', () => {
  holds(
    50,
    fc.property(anyTable, anySizes, (table, sizes) => {
      assert.equal(pagesOf(table, sizes), pagesOf(table, sizes))
    }),
  )
})

test('a page stays as it is while the next ones are made', () => {
  const columns = columnsOf(['text'])
  const rows = Array.from({ length: 40 }, (_, index) => [String(index).repeat(index % 13 === 0 ? 90_000 : 50)])
  const writer = createPageWriter({ columns, header, targetBytes: 500, limitBytes: 1000 })
  writer.startChunk(0)
  const pages: { page: FinishedPage; copy: Buffer }[] = []
  const keep = (page: FinishedPage | null): void => {
    if (page) pages.push({ page, copy: Buffer.from(page.payload) })
  }
  for (const [index, row] of rows.entries()) keep(writer.addRow(copyRow(ctidOf(index), row, columns)))
  keep(writer.finish())
  for (const { page, copy } of pages) assert.ok(copy.equals(page.payload))
  assert.equal(
    pages.flatMap(({ page }) => (decodeMessage(page.payload) as Page).rows),
    rows,
  )
})

test('pages are counted anew in each chunk, and an open chunk cannot be left', () => {
  const columns = columnsOf(['integer'])
  const writer = createPageWriter({ columns, header, targetBytes: 200, limitBytes: 400 })
  writer.startChunk(0)
  for (let index = 0; index < 100; index++) writer.addRow(copyRow(ctidOf(index), [1], columns))
  assert.throws(() => writer.startChunk(1), /not finished/)
  assert.ok((writer.finish()?.page ?? 0) > 0)
  assert.is(writer.finish(), null)
  writer.startChunk(1)
  writer.addRow(copyRow('(0,1)', [1], columns))
  const page = writer.finish()
  assert.is(page?.chunk, 1)
  assert.is(page?.page, 0)
})

test('a row of many megabytes is held once, and its buffer is let go', () => {
  const columns = columnsOf(['text', 'binary'])
  const writer = createPageWriter({ columns, header, targetBytes: 262_144, limitBytes: 1_000_000 })
  writer.startChunk(0)
  const digits = Buffer.alloc(20_000_000, '0a')
  const row = Buffer.concat([Buffer.from('(0,1)\ttext\t\\\\x'), digits])
  const page = writer.addRow(row)
  assert.ok(page !== null && page.payload.buffer.byteLength < 10_001_000)
  writer.addRow(copyRow('(0,2)', ['small', null], columns))
  assert.ok((writer.finish()?.payload.buffer.byteLength ?? 0) < 1000)
})

test('a row is not held once it was added', async () => {
  const columns = columnsOf(['text'])
  const writer = createPageWriter({ columns, header, targetBytes: 100, limitBytes: 1000 })
  writer.startChunk(0)
  const add = (): WeakRef<Buffer> => {
    const row = copyRow('(0,1)', ['x'.repeat(100_000)], columns)
    writer.addRow(row)
    return new WeakRef(row)
  }
  const row = add()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What a turn of the event loop has seen of a WeakRef is kept until its end.
  await new Promise(setImmediate)
  collect()
  assert.is(row.deref(), undefined)
  assert.is(writer.finish(), null)
})

const REFUSED: readonly (readonly [
  why: string,
  kind: 'boolean' | 'integer' | 'float' | 'binary' | 'text',
  row: string,
])[] = [
  ['a row without its ctid', 'text', 'alone'],
  ['a missing column', 'text', '(0,1)'],
  ['a column too many', 'text', '(0,1)\ta\tb'],
  ['an unknown escape', 'text', '(0,1)\ta\\qb'],
  ['an escape that is cut off', 'text', '(0,1)\ta\\'],
  ['a null mark with more behind it', 'text', '(0,1)\t\\Nx'],
  ['an empty integer', 'integer', '(0,1)\t'],
  ['a minus alone', 'integer', '(0,1)\t-'],
  ['an integer with a point', 'integer', '(0,1)\t1.5'],
  ['an empty float', 'float', '(0,1)\t'],
  ['a hexadecimal float', 'float', '(0,1)\t0x10'],
  ['a float among spaces', 'float', '(0,1)\t 1 '],
  ['a boolean in full', 'boolean', '(0,1)\ttrue'],
  ['another letter as a boolean', 'boolean', '(0,1)\tx'],
  ['a bytea in escape form', 'binary', '(0,1)\tabc'],
  ['a bytea of half a byte', 'binary', '(0,1)\t\\\\xabc'],
  ['a bytea with another digit', 'binary', '(0,1)\t\\\\xag'],
  ['a bytea with another digit first', 'binary', '(0,1)\t\\\\xga'],
]

for (const [why, kind, row] of REFUSED)
  test(`${why} is refused with a sentence that does not show the value`, () => {
    const writer = createPageWriter({ columns: columnsOf([kind]), header, targetBytes: 10, limitBytes: 100 })
    writer.startChunk(0)
    assert.throws(
      () => writer.addRow(Buffer.from(row)),
      (error: unknown) =>
        error instanceof WireError &&
        /^The row at \S+ of Élément cannot be sent, column "c0" .+\.$/.test(error.message),
    )
  })

test('a first field that is no ctid is refused', () => {
  const writer = createPageWriter({ columns: columnsOf(['text']), header, targetBytes: 10, limitBytes: 100 })
  writer.startChunk(0)
  assert.throws(() => writer.addRow(Buffer.from('secret\tvalue')), /firstCtid that must be a ctid, and it is text of/)
})

test.run()
