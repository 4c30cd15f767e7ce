import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { foldChanges, ImpossibleChange, type Step } from '../../../consumers/following/fold-changes.ts'
import type { ChangedTable, ChangePlace, RowChange } from '../../../consumers/following/row-change.ts'
import type { SqlValue } from '../../../consumers/following/sql-value.ts'
import { sales } from '../shop.ts'
import { holds } from '../../contracts/wire/holds.ts'

const [entity] = sales.entities
if (entity === undefined) throw new Error('The shop has tables')
const TABLE: ChangedTable = { entity, columns: entity.columns.slice(0, 3), keyPlaces: [0] }
const PLACE: ChangePlace = { table: TABLE, lsn: '0/1', ordinal: 0 }

const keyOf = (key: string): { name: string; values: readonly string[] } => ({
  name: JSON.stringify([key]),
  values: [key],
})
const insert = (key: string, ...values: SqlValue[]): RowChange => ({
  op: 'insert',
  key: keyOf(key),
  row: [key, ...values],
  place: PLACE,
})
const update = (key: string, ...values: SqlValue[]): RowChange => ({
  op: 'update',
  key: keyOf(key),
  row: [key, ...values],
  newKey: null,
  place: PLACE,
})
const remove = (key: string): RowChange => ({ op: 'delete', key: keyOf(key), place: PLACE })
const rename = (from: string, to: string, ...values: SqlValue[]): RowChange => ({
  op: 'update',
  key: keyOf(from),
  row: [to, ...values],
  newKey: keyOf(to).name,
  place: PLACE,
})
const truncate: RowChange = { op: 'truncate', place: PLACE }

type Rows = Map<string, readonly SqlValue[]>

/** What a database does with changes, one after the other; null where it refuses one. */
function applied(before: Rows, changes: readonly RowChange[]): Rows | null {
  const rows = new Map(before)
  for (const change of changes) {
    if (change.op === 'truncate') {
      rows.clear()
      continue
    }
    const [own = ''] = change.key.values as string[]
    const held = rows.get(own)
    if (change.op === 'insert' ? held !== undefined : held === undefined) return null
    if (change.op === 'delete' || change.op === 'update') rows.delete(own)
    if (change.op === 'delete') continue
    const [key = ''] = change.row as string[]
    if (rows.has(key)) return null
    rows.set(
      key,
      change.row.map((value, index) => (value === undefined ? (held?.[index] ?? null) : value)),
    )
  }
  return rows
}

/** What a database does with the steps; null where a statement does not touch just the rows that it must. */
function taken(before: Rows, steps: readonly Step[]): Rows | null {
  let rows: Rows | null = new Map(before)
  for (const step of steps) {
    if (step.kind === 'truncate') rows = new Map()
    else if (step.kind === 'key change') rows = applied(rows, [step.change])
    else
      rows = applied(rows, [
        ...step.deletes.map(({ values }) => remove(String(values[0]))),
        ...step.updates.map(({ key, row }) => update(String(key.values[0]), ...row.slice(1))),
        ...step.inserts.map((row) => insert(String(row[0]), ...row.slice(1))),
      ])
    if (rows === null) return null
  }
  return rows
}

test('whatever the changes, folded they leave the rows that they leave one by one', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const value = fc.constantFrom<SqlValue>('1', '2', null)
  const kept = fc.constantFrom<SqlValue>('1', '2', null, undefined)
  const change = fc.oneof(
    fc.tuple(key, value, value).map(([own, x, y]) => insert(own, x, y)),
    fc.tuple(key, kept, kept).map(([own, x, y]) => update(own, x, y)),
    key.map(remove),
    fc
      .tuple(key, key, kept, kept)
      .map(([from, to, x, y]) => (from === to ? update(from, x, y) : rename(from, to, x, y))),
    fc.constant(truncate),
  )
  const before: Rows = new Map([
    ['a', ['a', '0', '0']],
    ['b', ['b', null, '0']],
  ])
  holds(
    2_000,
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const possible: RowChange[] = []
      for (const each of changes) if (applied(before, [...possible, each]) !== null) possible.push(each)
      assert.equal(taken(before, foldChanges(possible)), applied(before, possible))
    }),
  )
})

test('rows are touched once: many updates of one row are one, and what was inserted and deleted is nothing', () => {
  const steps = foldChanges([insert('a', '1', '1'), update('a', '2', undefined), insert('b', '1', '1'), remove('b')])
  assert.equal(steps, [{ kind: 'rows', table: TABLE, deletes: [], updates: [], inserts: [['a', '2', '1']] }])
})

test('a row that is deleted and inserted again is both, since an update could leave an old value', () => {
  const [step] = foldChanges([remove('a'), insert('a', '1', null), update('a', undefined, '2')])
  assert.equal(step, { kind: 'rows', table: TABLE, deletes: [keyOf('a')], updates: [], inserts: [['a', '1', '2']] })
})

for (const [what, ...changes] of [
  ['a second insert', insert('a'), insert('a')],
  ['an update after a delete', remove('a'), update('a')],
  ['a second delete', remove('a'), remove('a')],
] as const)
  test(`${what} cannot be folded`, () => {
    assert.throws(
      () => foldChanges(changes),
      (error: unknown) => error instanceof ImpossibleChange,
    )
  })

test.run()
