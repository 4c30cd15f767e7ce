import { encode, ExtensionCodec } from '@msgpack/msgpack'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage, encodePage } from '../../../contracts/wire/encode-message.ts'
import { ABSENT, type Message, type Page, UNCHANGED, type WireRow } from '../../../contracts/wire/message.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { messages, shape } from './sample-messages.ts'

const { page, change } = messages as { page: Page; change: Extract<Message, { kind: 'change' }> }
const [firstRun, secondRun] = change.runs

/** Refused on both sides: the same check stands before encoding and behind decoding. */
function refused(why: string, message: unknown, sentence: RegExp): void {
  const isRefusal = (error: unknown): boolean => error instanceof WireError && sentence.test(error.message)
  test(`${why} is refused when it is encoded and when it is decoded`, () => {
    assert.throws(() => encodeMessage(message as Message, () => shape.columns), isRefusal)
    const extensionCodec = new ExtensionCodec()
    extensionCodec.register({
      type: 1,
      encode: (value) => (value === UNCHANGED ? new Uint8Array(0) : null),
      decode: () => null,
    })
    extensionCodec.register({
      type: 2,
      encode: (value) => (value === ABSENT ? new Uint8Array(0) : null),
      decode: () => null,
    })
    assert.throws(() => decodeMessage(encode(message, { extensionCodec })), isRefusal)
  })
}

const changed = (changes: unknown): unknown => ({ ...change, runs: [{ ...firstRun, changes }] })
const row = [1, true, 2, null, 'new']

refused(
  'an epoch of 0',
  { ...page, epoch: 0 },
  /^A page of the log has a field epoch that must be an integer from 1, and it is 0\.$/,
)
refused(
  'an attempt that is text',
  { ...page, attempt: '1' },
  /attempt that must be an integer from 1, and it is text of 1 characters/,
)
refused('a page number below 0', { ...page, page: -1 }, /page that must be an integer from 0/)
refused('an entity without a name', { ...page, entity: '' }, /entity that must be text, and it is empty text/)
refused('a shape that is no hash', { ...page, shape: 'ABC' }, /shape that must be the hash of a shape/)
refused('a ctid without its brackets', { ...page, lastCtid: '0,1' }, /lastCtid that must be a ctid/)
refused(
  'a field that the format does not know',
  { ...page, more: 1 },
  /has a field "more", which the format does not know/,
)
refused('a page without rows', { ...page, rows: [] }, /has no rows/)
refused('rows that are no array', { ...page, rows: 'abc' }, /rows that must be an array/)
refused('a row that is no array', { ...page, rows: [7] }, /Row 0 of a page must be an array, and it is 7/)
refused(
  'an unchanged value in a page',
  { ...page, rows: [[1, UNCHANGED, 2, null, '']] },
  /Row 0 of a page marks its value 1 as unchanged/,
)
refused('an absent value in a page', { ...page, rows: [[1, ABSENT, 2, null, '']] }, /marks its value 1 as absent/)
refused(
  'a map as a value',
  { ...page, rows: [[1, { a: 1 }, 2, null, '']] },
  /Row 0 of a page holds a map as its value 1/,
)
refused('a message without runs', { ...change, runs: [] }, /has no runs/)
refused('a run without changes', changed([]), /has no changes/)
refused('runs that go back', { ...change, runs: [secondRun, firstRun] }, /not in the order of their positions/)
refused(
  'a transaction that is not ended before the next',
  { ...change, runs: [{ ...firstRun, last: false }, secondRun] },
  /not in the order/,
)
refused(
  'a transaction that goes on after its end',
  { ...change, runs: [firstRun, { ...firstRun, changes: [[4, 'I', row]] }] },
  /not in the order/,
)
refused(
  'ordinals with a hole',
  changed([
    [0, 'I', row],
    [2, 'I', row],
  ]),
  /ordinals with a hole/,
)
refused('an operation that is none', changed([[0, 'X', row]]), /must be I, U, D or T/)
refused('an update without its old side', changed([[0, 'U', row]]), /must be an ordinal, an operation and its rows/)
refused(
  'an unchanged value in an insert',
  changed([[0, 'I', [1, UNCHANGED, 2, null, '']]]),
  /The row of an insert marks its value 1 as unchanged/,
)
refused(
  'an absent value in an update’s new row',
  changed([[0, 'U', [1, ABSENT, 2, null, ''], null]]),
  /The new row of an update marks/,
)
refused(
  'an unchanged value in an old row',
  changed([[0, 'D', [1, UNCHANGED, 2, null, '']]]),
  /The old row of a delete marks/,
)
refused(
  'a truncate without its options',
  changed([[0, 'T', null]]),
  /A truncate of the log must be a map, and it is null/,
)
refused('an LSN with a leading zero', { ...change, runs: [{ ...firstRun, lsn: '0/01' }] }, /lsn that must be an LSN/)
refused(
  'a commit time with a fraction',
  { ...change, runs: [{ ...firstRun, committedAt: 0.5 }] },
  /committedAt that must be an integer/,
)
refused(
  'a transaction id as a number',
  { ...change, runs: [{ ...firstRun, xid: 5 }] },
  /xid that must be a transaction id, and it is 5/,
)
refused('a part beyond the count', { ...messages['part'], index: 2 }, /has the index 2, and there are 2/)
refused('too many parts', { ...messages['part'], count: 65_537 }, /is one of 65537, and there may be 65536 at most/)
refused(
  'a digest of another length',
  { ...messages['part'], digest: new Uint8Array(31) },
  /digest that must be 32 bytes, and it is 31 bytes/,
)
refused(
  'an unknown control',
  { ...messages['control-epoch'], control: 'pause' },
  /control that must be one of epoch, contract, attempt, chunk, complete, manifest/,
)
refused(
  'a hash of another shape',
  { ...messages['control-contract'], hash: '0123456789abcdef' },
  /has a hash that is not its shape's/,
)
refused(
  'a key that is no column',
  { ...messages['control-contract'], shape: { ...shape, key: ['no'] } },
  /has a key that is not among its columns/,
)
refused(
  'two columns of one name',
  { ...messages['control-contract'], shape: { ...shape, columns: [...shape.columns, ...shape.columns] } },
  /two columns of one name/,
)
refused(
  'a local time',
  { ...messages['control-epoch'], startedAt: '2025-01-31 12:00:00' },
  /startedAt that must be a time in UTC/,
)
refused(
  'a snapshot of another form',
  { ...messages['control-attempt'], snapshot: '1:2' },
  /snapshot that must be a snapshot/,
)
refused(
  'an attempt that does not say where it is consistent',
  { ...messages['control-attempt'], consistencyPoint: '0' },
  /consistencyPoint that must be an LSN/,
)
refused(
  'an attempt whose table is cut into more chunks than it has blocks',
  { ...messages['control-attempt'], blocks: 3 },
  /has more chunks than blocks/,
)
refused(
  'an attempt of no chunk',
  { ...messages['control-attempt'], chunks: 0 },
  /chunks that must be an integer from 1/,
)
refused(
  'a chunk with the digest of something else',
  { ...messages['control-chunk'], digest: 'ff' },
  /digest that must be 32 hexadecimal digits/,
)
refused(
  'an entity’s totals with a strange field',
  { ...messages['control-manifest'], entities: [{ ...messages['control-complete'], more: 1 }] },
  /^The totals of a manifest's entity of the log has a field/,
)

test('a row that does not fit its columns is refused by the column’s name, without its value', () => {
  const refuses = (values: WireRow, sentence: RegExp): void => {
    const encodeIt = (): unknown => encodePage({ ...page, rows: [values] }, shape.columns)
    assert.throws(encodeIt, (error: unknown) => error instanceof WireError && sentence.test(error.message))
  }
  const says = (column: string, kind: string): RegExp =>
    new RegExp(`^Row 0 of a page of Thing holds .* in the column "${column}", which is sent as ${kind}\\.$`)
  refuses([1.5, null, null, null, null], says('id', 'integer'))
  refuses([-0, null, null, null, null], says('id', 'integer'))
  refuses([2 ** 53, null, null, null, null], says('id', 'integer'))
  refuses(['12', null, null, null, null], says('id', 'integer'))
  refuses(['9007199254740991', null, null, null, null], says('id', 'integer'))
  refuses([1, 1, null, null, null], says('read', 'boolean'))
  refuses([1, null, '1', null, null], says('x', 'float'))
  refuses([1, null, null, 'abc', null], says('image', 'binary'))
  refuses([1, null, null, null, 5], says('name', 'text'))
  refuses([1, null, null, null, 'half \uD83D of a pair'], says('name', 'text'))
  refuses([1], /^Row 0 of a page of Thing has 1 values, and its shape has 5 columns\.$/)
})

test('a newer version is refused by its name, whatever else it holds', () => {
  const sentence = /is of version 2 of the wire format, and this program reads version 1: use a newer scission\./
  assert.throws(() => decodeMessage(encode({ v: 2, kind: 'page' })), sentence)
  assert.throws(() => decodeMessage(encode({ v: 2, unheardOf: new Date() })), sentence)
  // A byte that version 1 never has stands behind the version.
  assert.throws(() => decodeMessage(Buffer.from('82a17602c1', 'hex')), sentence)
})

test('what is no message at all is refused', () => {
  const refuses = (hex: string, sentence: RegExp): void => {
    assert.throws(() => decodeMessage(Buffer.from(hex, 'hex')), sentence)
  }
  refuses('', /it ends too early, at offset 0/)
  refuses('c0', /is not a map that begins with v/)
  refuses('80', /is not a map that begins with v/)
  refuses('82a17601', /it ends too early/)
  refuses('82a17600a46b696e64a470616765', /has a version that is no integer from 1/)
  refuses('82a17601a46b696e64a3666f6f', /is none of page, change, control, part/)
  refuses('df7fffffffa17601', /it ends too early/)
})

/** A page whose rows are these bytes. */
function withRows(hex: string): Buffer {
  return Buffer.concat([Buffer.from(encode({ ...page, rows: [] })).subarray(0, -1), Buffer.from(hex, 'hex')])
}

test('bytes that msgpack allows and the format does not are refused', () => {
  const refuses = (hex: string, sentence: RegExp): void => {
    assert.throws(
      () => decodeMessage(withRows(hex)),
      (error: unknown) => error instanceof WireError && sentence.test(error.message),
    )
  }
  refuses('9191cf0020000000000000', /an integer in it is beyond 2\^53 − 1/)
  refuses('9191d3ffdfffffffffffff', /an integer in it is beyond 2\^53 − 1/)
  refuses('9191ca3f800000', /byte 0xca at offset \d+ begins no value that the format uses/)
  refuses('9191c1', /byte 0xc1/)
  refuses('9191a2c328', /the text at offset \d+ is not UTF-8/)
  refuses('9191a3eda080', /is not UTF-8/)
  refuses('9191c70101ff', /the extension of type 1 .* is none of the format's/)
  refuses('9191c70003', /the extension of type 3/)
  refuses('9191d4ff00', /byte 0xd4/)
  refuses('9191c0c0', /1 bytes follow its end/)
  refuses('ddffffffff', /it ends too early/)
  refuses('9191c6ffffffff', /it ends too early/)
  refuses(`${'91'.repeat(20)}c0`, /it is nested too deeply/)
  refuses('919182a16101a16102', /a map holds the key "a" twice/)
  refuses('91918101c0', /a key of a map, before offset \d+, is not text/)
})

test('a key __proto__ is an unknown field like any other', () => {
  const payload = Buffer.concat([Buffer.from('83a17601a46b696e64a470617274a95f5f70726f746f5f5f81a176a178', 'hex')])
  assert.throws(
    () => decodeMessage(payload),
    /lacks its field id|has a field "__proto__", which the format does not know/,
  )
  assert.is(({} as { v?: unknown }).v, undefined)
})

test.run()
