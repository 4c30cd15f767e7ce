import { decode, encode, ExtensionCodec } from '@msgpack/msgpack'
import fc from 'fast-check'
import { deepStrictEqual } from 'node:assert'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage, encodePage } from '../../../contracts/wire/encode-message.ts'
import { messageKind } from '../../../contracts/wire/message-kind.ts'
import { type Message, type Page, type WireRow } from '../../../contracts/wire/message.ts'
import { holds } from './holds.ts'
import { columnsOfShape, messages } from './sample-messages.ts'
import { anyTable, columnsOf } from './sample-rows.ts'
import { registerUuids, withUuidsAsExtension } from './uuid-extension.ts'

const extensionCodec = registerUuids(new ExtensionCodec())

/** The decoded rows are compared by Node's assertion, since for uvu's −0 is 0. */
const frame = {
  v: 1,
  kind: 'page',
  epoch: 1,
  entity: 'Thing',
  shape: '0123456789abcdef',
  attempt: 1,
  chunk: 0,
  page: 0,
  firstCtid: '(0,1)',
  lastCtid: '(0,2)',
} as const

test('pages are decoded as they were before they were encoded', () => {
  holds(
    300,
    fc.property(anyTable, ({ columns, rows }) => {
      const page: Page = { ...frame, rows }
      deepStrictEqual(decodeMessage(encodePage(page, columns)), page)
    }),
  )
})

test('the msgpack library decodes pages as we do, but for the BOM that it drops from long strings', () => {
  const bomDropped = (value: unknown): unknown =>
    typeof value === 'string' && Buffer.byteLength(value) > 200 ? value.replace(/^\uFEFF/, '') : value
  holds(
    300,
    fc.property(anyTable, ({ columns, rows }) => {
      const payload = new Uint8Array(encodePage({ ...frame, rows }, columns))
      deepStrictEqual(decode(payload, { extensionCodec }), { ...frame, rows: rows.map((row) => row.map(bomDropped)) })
    }),
  )
})

test('without floats, the bytes are those that the msgpack library writes by itself', () => {
  holds(
    100,
    fc.property(anyTable, (table) => {
      const kept = table.columns.map(({ wire }) => wire !== 'float')
      if (!kept.includes(true)) return
      const columns = table.columns.filter((_, index) => kept[index])
      const rows = table.rows.map((row) => row.filter((_, index) => kept[index]))
      const given = rows.map((row) => row.map(withUuidsAsExtension))
      assert.ok(Buffer.from(encodePage({ ...frame, rows }, columns)).equals(encode({ ...frame, rows: given })))
    }),
  )
})

test('a float is always a float of 64 bits, an integer is always in its smallest form', () => {
  const hexOf = (row: WireRow): string => {
    const columns = columnsOf(['float', 'integer'])
    return Buffer.from(encodePage({ ...frame, rows: [row] }, columns)).toString('hex')
  }
  const ends = (row: WireRow, ending: string): void => assert.match(hexOf(row), new RegExp(`9192${ending}$`))
  ends([1, 1], 'cb3ff000000000000001')
  ends([-0, 0], 'cb800000000000000000')
  ends([Number.NaN, -33], 'cb7ff8000000000000d0df')
  ends([null, 2 ** 53 - 1], 'c0cf001fffffffffffff')
  ends([2 ** 53, '9007199254740992'], 'cb4340000000000000b039303037313939323534373430393932')
})

test('the key order of a message is the format’s, whatever the order of the object', () => {
  for (const message of Object.values(messages)) {
    const reversed = Object.fromEntries(Object.entries(message).toReversed()) as unknown as Message
    assert.ok(Buffer.from(encodeMessage(reversed, columnsOfShape)).equals(encodeMessage(message, columnsOfShape)))
  }
})

test('the kind of each message is read without reading the message', () => {
  for (const message of Object.values(messages)) {
    const payload = encodeMessage(message, columnsOfShape)
    assert.is(messageKind(payload), message.kind)
    assert.is(messageKind(payload.subarray(0, 20)), message.kind)
  }
})

test('a leading BOM stays, in short strings and in long ones', () => {
  const columns = columnsOf(['text', 'text'])
  const rows = [['\uFEFFa', `\uFEFF${'a'.repeat(300)}`]]
  assert.equal((decodeMessage(encodePage({ ...frame, rows }, columns)) as Page).rows, rows)
})

test.run()
