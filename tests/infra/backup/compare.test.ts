import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  compareLargeObjects,
  compareObjects,
  compareSequences,
  compareTables,
  sequenceSpans,
} from '../../../infra/backup/compare.ts'
import type { DatabaseObject } from '../../../infra/backup/read-objects.ts'
import type { BackupTable } from '../../../infra/backup/read-tables.ts'

const table = (name: string, partitionOf: string | null = null): BackupTable =>
  ({ schema: 'public', table: name, partitionOf }) as BackupTable

test('a table differs by its rows or by its digest', () => {
  const tables = [table('a'), table('b'), table('c')]
  const expected = [1n, 2n, 3n].map((sum) => ({ rows: 5, sum }))
  const found = [
    { rows: 5, sum: 1n },
    { rows: 4, sum: 2n },
    { rows: 5, sum: 4n },
  ]
  assert.equal(compareTables(tables, expected, expected), [])
  assert.equal(
    compareTables(tables, expected, found).map((difference) => difference.kind === 'table' && difference.table),
    ['public.b', 'public.c'],
  )
})

test('partitions between which rows have moved are equal where their tree is', () => {
  const tables = [table('a', '7'), table('b', '7'), table('c', '8')]
  const expected = [10n, 20n, 30n].map((sum) => ({ rows: 10, sum }))
  const moved = [
    { rows: 9, sum: 6n },
    { rows: 11, sum: 24n },
    { rows: 10, sum: 30n },
  ]
  assert.equal(compareTables(tables, expected, moved), [])
  const lost = [moved[0], { rows: 10, sum: 24n }, moved[2]].map((digest) => digest ?? { rows: 0, sum: 0n })
  assert.is(compareTables(tables, expected, lost).length, 2)
})

test('objects are missing, extra, or changed; definitions count between servers of one version alone', () => {
  const object = (name: string, definition: string | null): DatabaseObject => ({ type: 'index', name, definition })
  const expected = [object('a', '1'), object('b', '2'), object('c', null)]
  const found = [object('b', '3'), object('c', null), object('d', '4')]
  const told = (withDefinitions: boolean): unknown[] =>
    compareObjects(expected, found, withDefinitions).map((each) => each.kind === 'object' && [each.name, each.is])
  assert.equal(told(true), [
    ['a', 'missing'],
    ['b', 'changed'],
    ['d', 'extra'],
  ])
  assert.equal(told(false), [
    ['a', 'missing'],
    ['d', 'extra'],
  ])
})

test('a sequence comes back with a value that it had while it was dumped', () => {
  const at = (value: string, isUsed = true): { schema: string; table: string; value: string; isUsed: boolean } => ({
    schema: 'public',
    table: 's',
    value,
    isUsed,
  })
  const between = (before: string, after: string, restored: string): number =>
    compareSequences(sequenceSpans([at(before)], [at(after)]), [at(restored)]).length
  assert.is(between('10', '10', '10'), 0)
  assert.is(between('10', '10', '11'), 1)
  assert.is(between('10', '20', '15'), 0)
  assert.is(between('-10', '-20', '-15'), 0)
  assert.is(between('10', '20', '21'), 1)
  assert.is(between('9007199254740993', '9007199254740995', '9007199254740996'), 1)
  assert.is(compareSequences(sequenceSpans([at('1', false)], [at('1', false)]), [at('1')]).length, 1)
  assert.equal(sequenceSpans([at('1')], []), [])
})

test('large objects differ by number, size or content', () => {
  const held = { objects: 2, bytes: 10, digest: 'a' }
  assert.equal(compareLargeObjects(held, { ...held }), [])
  assert.is(compareLargeObjects(held, { ...held, digest: 'b' }).length, 1)
})

test.run()
