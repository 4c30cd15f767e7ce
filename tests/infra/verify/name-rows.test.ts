import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet, type Entity } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { text } from '../../../contracts/language/types.ts'
import type { DifferingPair } from '../../../infra/verify/difference-sql.ts'
import { columnDifference, type ColumnRow, rowDifference } from '../../../infra/verify/name-rows.ts'

const set = contractSet('shop', {
  services: {
    orders: service({
      Order: entity({ id: text(), token: text().secret(), note: text().nullable() }, { key: ['id', 'token'] }),
    }),
  },
})
// The set above has one service with one entity.
const order = set.services[0]?.entities[0] as Entity

const pair = (inLog: [number, number] | null, inService: [number, number] | null): DifferingPair => {
  const occurrences = (counts: [number, number] | null): DifferingPair['log'] =>
    counts && { expected: counts[0], found: counts[1], place: '(0,1)' }
  return { key: ['a ', null], log: occurrences(inLog), service: occurrences(inService) }
}
const key = [
  { column: 'id', value: '"a "' },
  { column: 'token', value: '(secret)' },
]

test('a row that one side lacks is missing or extra, and its secret key is masked', () => {
  assert.equal(rowDifference(order, pair([1, 0], null), []), { kind: 'missing', key })
  assert.equal(rowDifference(order, pair(null, [0, 2]), []), { kind: 'extra', key })
})

test('a row that both sides hold, but not equally often, is counted', () => {
  assert.equal(rowDifference(order, pair(null, [1, 2]), []), { kind: 'count', key, expected: 1, found: 2 })
  assert.equal(rowDifference(order, pair([3, 1], null), []), { kind: 'count', key, expected: 3, found: 1 })
})

test('two versions of one key differ in columns', () => {
  const columns = [{ column: 'note', expected: '"x"', found: 'NULL', character: null }]
  assert.equal(rowDifference(order, pair([1, 0], [0, 1]), columns), { kind: 'different', key, columns })
})

const row = (changed: Partial<ColumnRow>): ColumnRow => ({
  position: '2',
  characters: '0',
  start: '0',
  expected: 'x',
  found: 'y',
  expected_length: '1',
  found_length: '1',
  ...changed,
})

test('a column shows both values from a little before the first character that differs', () => {
  assert.equal(columnDifference(order, row({})), { column: 'note', expected: '"x"', found: '"y"', character: 1 })
  const long = row({ characters: '140', start: '100', expected: 'abc', expected_length: '103', found_length: '4096' })
  assert.equal(columnDifference(order, long), { column: 'note', expected: '…"abc"', found: '…"y"…', character: 141 })
})

test('a NULL has no character that differs', () => {
  const absent = row({ characters: null, found: null, found_length: null })
  assert.equal(columnDifference(order, absent), { column: 'note', expected: '"x"', found: 'NULL', character: null })
})

test('a secret shows that it differs and nothing else', () => {
  const secret = { column: 'token', expected: '(secret)', found: '(secret)', character: null }
  assert.equal(columnDifference(order, row({ position: '1', characters: '7' })), secret)
})

test.run()
