import fc from 'fast-check'
import { deepStrictEqual } from 'node:assert'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ChangeColumns, ChangeColumnReader } from '../../../consumers/following/change-columns.ts'
import { sqlValue } from '../../../consumers/following/sql-value.ts'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage } from '../../../contracts/wire/encode-message.ts'
import { decodeLongRun, LongRun } from '../../../contracts/wire/long-run.ts'
import { ABSENT, type ChangeMessage, UNCHANGED, type WireChange } from '../../../contracts/wire/message.ts'
import type { WireColumn } from '../../../contracts/wire/wire-row.ts'
import { holds } from '../../contracts/wire/holds.ts'
import { anyTable } from '../../contracts/wire/sample-rows.ts'

const RUN = { entity: 'Thing', shape: '0123456789abcdef', lsn: '0/16B3748', xid: '42', committedAt: 1, last: true }
const COLUMNS: readonly WireColumn[] = [
  { name: 'id', wire: 'integer' },
  { name: 'name', wire: 'text' },
  { name: 'note', wire: 'text' },
]
const MANY = 60

function messageOf(changes: readonly WireChange[]): ChangeMessage {
  return { v: 1, kind: 'change', epoch: 3, runs: [{ ...RUN, changes }] }
}

function longRun(payload: Uint8Array): LongRun {
  const [run] = decodeLongRun(payload)?.runs ?? []
  if (!(run instanceof LongRun)) throw new Error('It is no long run')
  return run
}

function many(change: (index: number) => WireChange): WireChange[] {
  return Array.from({ length: MANY }, (_, index) => change(index))
}

/** What the columns reader makes of changes of `COLUMNS`, whose key is the first one. */
function read(changes: readonly WireChange[], columns: readonly WireColumn[] = COLUMNS): ChangeColumns | null {
  const payload = encodeMessage(messageOf(changes), () => COLUMNS)
  const everyPlace = columns.map((_, place) => place)
  return new ChangeColumnReader('A change', columns, { ofRows: everyPlace, ofKeys: [0] }).read(longRun(payload))
}

/** The elements of a binary array, as the server reads them. */
function elements(bytes: Buffer): (string | null)[] {
  const texts: (string | null)[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readInt32BE(at)
    at += 4
    texts.push(length < 0 ? null : bytes.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return texts
}

test('columns hold the same texts as changes that are read one by one', () => {
  holds(
    300,
    fc.property(anyTable, ({ columns, rows }) => {
      if (rows.length === 0) return
      const changes = many((index): WireChange => [index, 'I', rows[index % rows.length] ?? []])
      const payload = encodeMessage(messageOf(changes), () => columns)
      const run = longRun(payload)
      const ofRows = columns.map((_, place) => place)
      const found = new ChangeColumnReader('A change', columns, { ofRows, ofKeys: [] }).read(run)
      const expected = columns.map((_, place) => changes.map(([, , row]) => sqlValue((row as never[])[place] ?? null)))
      deepStrictEqual(found?.columns.map(elements), expected)
      deepStrictEqual(run.changes, changes)
      deepStrictEqual({ ...decodeLongRun(payload), runs: [] }, { ...decodeMessage(payload), runs: [] })
    }),
  )
})

test('an update that leaves a value as it is has null there, and its place is told', () => {
  const found = read(many((index) => [index, 'U', [index, index % 20 === 7 ? UNCHANGED : 'x', null], null]))
  assert.is(found?.op, 'U')
  assert.equal(found?.unchanged, [[], [7, 27, 47], []])
  assert.is(elements(found?.columns[1] ?? Buffer.alloc(0))[27], null)
})

test('of deletes the keys are read alone', () => {
  const found = read(many((index) => [index, 'D', [index, ABSENT, ABSENT]]))
  assert.equal(found?.columns.map(elements), [Array.from({ length: MANY }, (_, index) => String(index))])
})

test('other runs are read one by one: of several kinds, with keys that move, or that have a key left as it is', () => {
  const row = [1, 'x', null]
  assert.is(read(many((index) => (index === 50 ? [index, 'D', [1, ABSENT, ABSENT]] : [index, 'I', row]))), null)
  assert.is(read(many((index) => [index, 'U', row, index === 50 ? [2, ABSENT, ABSENT] : null])), null)
  assert.is(read(many((index) => [index, 'U', [UNCHANGED, 'x', null], null])), null)
  assert.is(read(many((index) => [index, 'T', { cascade: false, restartIdentity: false }])), null)
})

test('short runs, several runs, and what is no change are decoded as a whole', () => {
  const encode = (message: ChangeMessage): Uint8Array => encodeMessage(message, () => COLUMNS)
  assert.is(decodeLongRun(encode(messageOf([[0, 'I', [1, 'x', null]]]))), null)
  const long = messageOf(many((index) => [index, 'I', [index, 'x', null]]))
  const [run] = long.runs
  if (run === undefined) throw new Error('It has one')
  assert.is(decodeLongRun(encode({ ...long, runs: [run, { ...run, lsn: '0/16B3749' }] })), null)
  const control = { v: 1, kind: 'control', epoch: 1, control: 'marker', name: 'here', lsn: '0/1' } as const
  assert.is(decodeLongRun(encodeMessage(control, () => COLUMNS)), null)
})

test('a value of another kind than its column is refused, and not shown', () => {
  const changes = many((index) => [index, 'I', [index, 'hidden', null]])
  const others = COLUMNS.map((column) => (column.name === 'name' ? { ...column, wire: 'boolean' as const } : column))
  try {
    read(changes, others)
    assert.unreachable()
  } catch (error) {
    assert.match(String(error), /in the column "name", which is sent as boolean/)
    assert.not.match(String(error), 'hidden')
  }
})

test('a payload that is cut short is refused', () => {
  const payload = encodeMessage(messageOf(many((index) => [index, 'I', [index, 'x', null]])), () => COLUMNS)
  const reader = new ChangeColumnReader('A change', COLUMNS, { ofRows: [0, 1, 2], ofKeys: [0] })
  assert.throws(() => reader.read(longRun(payload.subarray(0, -5))), /ends too early/)
})

test.run()
