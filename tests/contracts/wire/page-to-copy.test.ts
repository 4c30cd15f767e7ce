import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { deepStrictEqual } from 'node:assert'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeMessage, encodePage } from '../../../contracts/wire/encode-message.ts'
import type { Page, WireRow, WireValue } from '../../../contracts/wire/message.ts'
import { readPageHeader } from '../../../contracts/wire/page-header.ts'
import { copyTextChunks, MAX_CHUNK_BYTES } from '../../../contracts/wire/page-to-copy.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { copyTextOf, parseCopyText } from './copy-text.ts'
import { holds } from './holds.ts'
import { anyTable, columnsOf } from './sample-rows.ts'

const frame = {
  v: 1,
  kind: 'page',
  epoch: 3,
  entity: 'Élément',
  shape: '0123456789abcdef',
  attempt: 2,
  chunk: 0,
  page: 70_000,
  firstCtid: '(0,1)',
  lastCtid: '(4294967295,65535)',
} as const

function pageOf(rows: readonly WireRow[]): Page {
  return { ...frame, rows }
}

test('COPY text made of a page reads back as the same rows', () => {
  holds(
    300,
    fc.property(anyTable, ({ columns, rows }) => {
      const text = copyTextOf(encodePage(pageOf(rows), columns), columns)
      // For uvu's assertion −0 would be 0.
      deepStrictEqual(parseCopyText(text.toString(), columns), rows)
    }),
  )
})

test('only what COPY FROM takes for something else is escaped', () => {
  const columns = columnsOf(['text', 'text'])
  const rows = [['a\\b\tc\nd\re', '\b\f\v\u0001\u007f"\'\uFEFF'] as const]
  const text = copyTextOf(encodePage(pageOf(rows), columns), columns).toString()
  assert.is(text, 'a\\\\b\\tc\\nd\\re\t\b\f\v\u0001\u007f"\'\uFEFF\n')
})

test('the text of a null, of nothing, and of what looks like a null or like the end are four things', () => {
  const columns = columnsOf(['text', 'text', 'text', 'text', 'binary'])
  const rows = [[null, '', '\\N', '\\.', new Uint8Array(0)] as const]
  const text = copyTextOf(encodePage(pageOf(rows), columns), columns).toString()
  assert.is(text, '\\N\t\t\\\\N\t\\\\.\t\\\\x\n')
})

test('pieces are bounded, and joined they are the whole text', () => {
  const columns = columnsOf(['integer', 'text', 'binary', 'float'])
  const long = '\\ é\n'.repeat(300_000) + 'z'.repeat(700_000)
  const rows = [
    [1, long, new Uint8Array(900_001).fill(0xa5), -0],
    [2, `${long}\\`, null, 1e300],
  ]
  const payload = encodePage(pageOf(rows), columns)
  const chunks = [...copyTextChunks(payload, columns)]
  assert.ok(chunks.length > 5)
  for (const chunk of chunks) assert.ok(chunk.length <= MAX_CHUNK_BYTES && chunk.length > 0)
  assert.equal(parseCopyText(Buffer.concat(chunks).toString(), columns), rows)
})

test('pieces may come in the same memory, one after the other', () => {
  holds(
    100,
    fc.property(anyTable, fc.integer({ min: 64, max: 700 }), ({ columns, rows }, maxChunkBytes) => {
      const payload = encodePage(pageOf(rows), columns)
      const memory = Buffer.alloc(maxChunkBytes)
      const copies: Buffer[] = []
      for (const chunk of copyTextChunks(payload, columns, { maxChunkBytes, allocate: () => memory }))
        copies.push(Buffer.from(chunk))
      assert.ok(Buffer.concat(copies).equals(copyTextOf(payload, columns)))
    }),
  )
})

test('wherever the pieces end, joined they are the same text', () => {
  holds(
    200,
    fc.property(anyTable, fc.integer({ min: 64, max: 700 }), ({ columns, rows }, maxChunkBytes) => {
      const payload = encodePage(pageOf(rows), columns)
      const chunks = [...copyTextChunks(payload, columns, { maxChunkBytes })]
      assert.ok(chunks.every(({ length }) => length <= maxChunkBytes))
      assert.ok(Buffer.concat(chunks).equals(copyTextOf(payload, columns)))
    }),
  )
})

test('columns that the table does not have are left out', () => {
  holds(
    100,
    fc.property(anyTable, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), ({ columns, rows }, leftOut) => {
      leftOut[columns.length - 1] = false
      const chosen = columns.map((column, index) => ({ ...column, leftOut: leftOut[index] === true }))
      const kept = <Value>(values: readonly Value[]): Value[] => values.filter((_, index) => !leftOut[index])
      const text = copyTextOf(encodePage(pageOf(rows), columns), chosen)
      assert.equal(parseCopyText(text.toString(), kept(columns)), rows.map(kept))
    }),
  )
})

test('the last column can be left out too', () => {
  const columns = columnsOf(['integer', 'text', 'float'])
  const chosen = columns.map((column, index) => ({ ...column, leftOut: index > 0 }))
  const text = copyTextOf(encodePage(pageOf([[5, 'long'.repeat(100), 0.5]]), columns), chosen)
  assert.is(text.toString(), '5\n')
})

test('a header is read without the rows', () => {
  holds(
    50,
    fc.property(anyTable, ({ columns, rows }) => {
      const payload = encodePage(pageOf(rows), columns)
      const { rowsOffset, rowCount, ...rest } = readPageHeader(payload)
      assert.equal(rest, frame)
      assert.is(rowCount, rows.length)
      assert.ok(payload.length > rowsOffset)
    }),
  )
})

/** A page as a stranger might encode it: any value anywhere, in the library's own forms. */
function strange(values: readonly unknown[], fields: Record<string, unknown> = {}): Uint8Array {
  return encode({ ...frame, ...fields, rows: [values] })
}

const WRONG: readonly (readonly [
  why: string,
  wire: 'boolean' | 'integer' | 'float' | 'binary' | 'text',
  value: unknown,
])[] = [
  ['a number in a text column', 'text', 5],
  ['bytes in a text column', 'text', new Uint8Array(3)],
  ['text in a binary column', 'binary', 'abc'],
  ['a boolean in an integer column', 'integer', true],
  ['a float in an integer column', 'integer', 0.5],
  ['text that is no integer in an integer column', 'integer', 'abc'],
  ['SQL in an integer column', 'integer', '1234567890123456\t5'],
  ['an integer in a float column', 'float', 1],
  ['an integer in a boolean column', 'boolean', 1],
  ['an array in a text column', 'text', ['a']],
  ['a map in a text column', 'text', { a: 1 }],
]

for (const [why, wire, value] of WRONG)
  test(`${why} is refused by the column's name`, () => {
    assert.throws(
      () => copyTextOf(strange([value]), columnsOf([wire])),
      (error: unknown) =>
        error instanceof WireError &&
        /^Row 0 of a page holds something else than \w+ in the column "c0"\.$/.test(error.message),
    )
  })

test('rows of another length than the shape are refused', () => {
  const payload = strange([1, 2])
  assert.throws(() => copyTextOf(payload, columnsOf(['integer'])), /Row 0 of a page has 2 values for 1 columns/)
  assert.throws(() => copyTextOf(payload, columnsOf(['integer', 'integer', 'text'])), /has 2 values for 3 columns/)
})

test('unchanged and absent values have no place in a page', () => {
  const payload = Buffer.from(strange([null]))
  const marked = (type: number): Buffer => Buffer.concat([payload.subarray(0, -1), Buffer.from([0xc7, 0, type])])
  for (const type of [1, 2, 3])
    assert.throws(() => copyTextOf(marked(type), columnsOf(['text'])), /holds something else than text/)
})

test('a page that is cut anywhere is refused, and so is one with more behind it', () => {
  const columns = columnsOf(['text', 'integer', 'float', 'binary', 'boolean'])
  const rows: WireRow[] = [['text'.repeat(30), 2 ** 40, 0.5, new Uint8Array(300), true]]
  const payload = encodePage(pageOf(rows), columns)
  for (let length = 0; length < payload.length; length++)
    assert.throws(() => copyTextOf(payload.subarray(0, length), columns), isSentence, `at ${length}`)
  assert.throws(() => copyTextOf(Buffer.concat([payload, Buffer.from([0])]), columns), /1 bytes follow its end/)
})

test('mutated pages are refused with a sentence or read as other values, and never hang', () => {
  holds(
    300,
    fc.property(
      anyTable,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (table, changes) => {
        const payload = Buffer.from(encodePage(pageOf(table.rows), table.columns))
        for (const [place, byte] of changes) payload[place % payload.length] = byte
        try {
          const text = copyTextOf(payload, table.columns)
          assert.is(text.at(-1), 0x0a)
          assert.is(
            text.reduce((rows, byte) => rows + (byte === 0x0a ? 1 : 0), 0),
            readPageHeader(payload).rowCount,
          )
        } catch (error) {
          if (!isSentence(error)) throw error
        }
      },
    ),
  )
})

test('other messages than pages are refused by their kind', () => {
  const part = {
    v: 1,
    kind: 'part',
    id: 'x',
    index: 0,
    count: 1,
    digest: new Uint8Array(32),
    bytes: new Uint8Array(1),
  } as const
  assert.throws(() => readPageHeader(encodeMessage(part)), /is a part, where a page was expected/)
})

test('headers that are not as the format has them are refused', () => {
  const refused = (fields: Record<string, unknown>, sentence: RegExp): void => {
    assert.throws(() => readPageHeader(strange([null], fields)), sentence)
  }
  refused({ v: 2 }, /is of version 2 of the wire format, and this program reads version 1: use a newer scission/)
  refused({ epoch: 0 }, /A page of the log has a field epoch that must be an integer from 1, and it is 0\./)
  refused({ chunk: 1.5 }, /chunk that must be an integer from 0, and it is 1.5/)
  refused({ firstCtid: '(0,1' }, /firstCtid that must be a ctid/)
  refused({ extra: 1 }, /has a field "extra", which the format does not know/)
  assert.throws(() => readPageHeader(encode({ ...frame, rows: [] })), /has no rows/)
  assert.throws(() => readPageHeader(encode({ ...frame })), /lacks its field lastCtid/)
  assert.throws(() => readPageHeader(encode({ v: 1, kind: 'page', rows: [], epoch: 1 })), /lacks its field epoch/)
})

function isSentence(error: unknown): boolean {
  return error instanceof WireError && /^[A-Z].*\.$/s.test(error.message)
}

test('values of every size of msgpack are read, also where a smaller form would do', () => {
  const columns = columnsOf(['integer', 'integer', 'text', 'binary'])
  const loose = Buffer.from('d30000000000000005cd0007db0000000161c600000001ff', 'hex')
  const payload = Buffer.concat([
    Buffer.from(encode({ ...frame, rows: [] })).subarray(0, -1),
    Buffer.from([0x91, 0x94]),
    loose,
  ])
  assert.is(copyTextOf(payload, columns).toString(), '5\t7\ta\t\\\\xff\n')
})

test('an integer beyond 2^53 − 1 that did not travel as text is refused', () => {
  const value: WireValue = '9223372036854775807'
  const columns = columnsOf(['integer'])
  assert.is(copyTextOf(encodePage(pageOf([[value]]), columns), columns).toString(), `${value}\n`)
  const loose = Buffer.from('9191d37fffffffffffffff', 'hex')
  const payload = Buffer.concat([Buffer.from(encode({ ...frame, rows: [] })).subarray(0, -1), loose])
  assert.throws(() => copyTextOf(payload, columns), /beyond 2\^53 − 1/)
})

test.run()
