import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { entity } from '../../../contracts/language/entity.ts'
import {
  bigint,
  boolean,
  bytea,
  doublePrecision,
  enumeration,
  integer,
  text,
} from '../../../contracts/language/types.ts'
import { ABSENT, UNCHANGED } from '../../../contracts/wire/message.ts'
import { rowObject } from '../../../contracts/wire/row-object.ts'

const color = enumeration('Color', ['RED', 'GREEN'])

const thing = entity(
  {
    id: text(),
    count: bigint(),
    size: integer().nullable(),
    weight: doublePrecision(),
    image: bytea(),
    read: boolean(),
    color: color(),
    length: integer().generated('length(id)'),
  },
  { key: ['id'] },
)

test('a row is an object of its columns, without the generated ones that do not travel', () => {
  const bytes = Uint8Array.of(1)
  const row = rowObject(thing, ['a', 5, null, -0, bytes, true, 'RED'])
  assert.equal(row, { id: 'a', count: 5n, size: null, weight: -0, image: bytes, read: true, color: 'RED' })
  assert.ok(Object.is(row.weight, -0))
})

test('a bigint column is a bigint, whether it travelled as a number or as text', () => {
  const countOf = (value: number | string): bigint =>
    rowObject(thing, ['a', value, 1, 1, new Uint8Array(0), true, 'RED']).count
  assert.is(countOf(-1), -1n)
  assert.is(countOf('9223372036854775807'), 9_223_372_036_854_775_807n)
})

test('the types of the fields are those of the contract', () => {
  const row = rowObject(thing, ['a', 5, null, 1, new Uint8Array(0), true, 'GREEN'])
  const named: 'RED' | 'GREEN' = row.color
  const size: number | null = row.size
  // @ts-expect-error size may be null.
  const certain: number = row.size
  assert.equal([named, size, certain], ['GREEN', null, null])
})

test('a row that does not fit is refused by the column’s name', () => {
  assert.throws(() => rowObject(thing, ['a', 5]), /A row has 2 values, and its shape has 7 columns/)
  assert.throws(() => rowObject(thing, ['a', 'b', 1, 1, new Uint8Array(0), true, 'RED']), /in the column "count"/)
})

test('unchanged and absent values have no place in a row of a page', () => {
  for (const marker of [UNCHANGED, ABSENT])
    assert.throws(
      () => rowObject(thing, [marker, 5, 1, 1, new Uint8Array(0), true, 'RED']),
      /A row of a page marks its column "id" as (unchanged|absent)\./,
    )
})

test('a column named __proto__ is a property like any other', () => {
  const hostile = entity({ ['__proto__']: text(), id: integer() }, { key: ['id'] })
  const row = rowObject(hostile, ['value', 1])
  assert.equal(Object.entries(row), [
    ['__proto__', 'value'],
    ['id', 1],
  ])
  assert.is(Object.getPrototypeOf(row), Object.prototype)
})

test.run()
