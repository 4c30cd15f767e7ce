import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { groupTransactions } from '../../../consumers/parked/group-transactions.ts'
import { keysOf, separate, WaitingRows } from '../../../consumers/parked/waiting-rows.ts'
import type { ChangedTable, RowChange } from '../../../consumers/following/row-change.ts'
import type { Entity } from '../../../contracts/language/contract-set.ts'
import { parseLsn } from '../../../contracts/positions.ts'
import { holds } from '../../contracts/wire/holds.ts'
import { Customer, Order } from '../complete-snapshot.ts'

/** Rows by entity and key: a row's only value is the number of the change that wrote it last. */
type Rows = Map<string, number>

/** What somebody wants to do in the monolith, which its rows may refuse. */
interface Wish {
  readonly transaction: number
  readonly entity: Entity
  readonly op: RowChange['op']
  readonly key: number
  readonly newKey: number
}

const TABLES: ReadonlyMap<Entity, ChangedTable> = new Map(
  [Customer, Order].map((entity) => [entity, { entity, columns: entity.columns, keyPlaces: [0] }]),
)
const KEYS = 4

const wish: fc.Arbitrary<Wish> = fc.record({
  transaction: fc.nat(5),
  entity: fc.constantFrom(Customer, Order),
  op: fc.constantFrom('insert', 'insert', 'insert', 'update', 'update', 'update', 'delete', 'truncate'),
  key: fc.nat(KEYS - 1),
  newKey: fc.nat(KEYS - 1),
})

const textOf = (rows: Rows): string[] => [...rows].map(([row, value]) => `${row} ${value}`).toSorted()
const rowName = (entity: string, key: string): string => `${entity} ${key}`

/** Does to rows what a database would. @throws Error where a table would not take the change. */
function apply(rows: Rows, change: RowChange): void {
  const { name } = change.place.table.entity
  if (change.op === 'truncate') {
    for (const row of rows.keys()) if (row.startsWith(`${name} `)) rows.delete(row)
    return
  }
  const [before = '', after = before] = keysOf(change).map((key) => rowName(name, key ?? ''))
  if (rows.has(before) !== (change.op !== 'insert')) throw new Error(`${change.op} of ${before} is refused`)
  if (change.op === 'delete') return void rows.delete(before)
  if (after !== before && rows.has(after)) throw new Error(`${change.op} to ${after} is refused`)
  rows.delete(before)
  rows.set(after, change.place.ordinal)
}

/** A history that the monolith took: the transactions one after the other. */
function historyOf(wishes: readonly Wish[]): RowChange[] {
  const rows: Rows = new Map()
  return wishes
    .toSorted((one, other) => one.transaction - other.transaction)
    .flatMap((wanted, ordinal): RowChange[] => {
      const wished = changeOf(wanted, ordinal)
      try {
        apply(rows, wished)
        return [wished]
      } catch {
        return []
      }
    })
}

function changeOf({ entity, key, newKey, op, transaction }: Wish, ordinal: number): RowChange {
  const table = TABLES.get(entity)
  if (table === undefined) throw new Error('Each entity has its table')
  const place = { table, lsn: `0/${transaction + 1}`, ordinal }
  const own = { name: `[${key}]`, values: [String(key)] }
  if (op === 'truncate') return { op, place }
  if (op === 'delete') return { op, key: own, place }
  if (op === 'insert') return { op, key: own, row: [String(key), String(ordinal)], place }
  return { op, key: own, row: [String(newKey), String(ordinal)], newKey: key === newKey ? null : `[${newKey}]`, place }
}

function waitingOf(parked: readonly RowChange[]): WaitingRows {
  const waiting = new WaitingRows()
  for (const each of parked) for (const key of keysOf(each)) waiting.add(each.place.table.entity.name, key)
  return waiting
}

/** Pairs of transactions with a row in common, as the service's database finds them. */
function linksOf(parked: readonly RowChange[]): (readonly [string, string])[] {
  return parked.flatMap((earlier, index) =>
    parked.slice(index + 1).flatMap((later): (readonly [string, string])[] => {
      const isOne = waitingOf([earlier]).isWaiting(later) || waitingOf([later]).isWaiting(earlier)
      return isOne ? [[earlier.place.lsn, later.place.lsn]] : []
    }),
  )
}

test('whatever is set aside, and however it is applied later, the rows come to be the monolith’s', () =>
  holds(
    1_000,
    fc.property(
      fc.array(wish, { minLength: 1, maxLength: 40 }),
      fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
      fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      (wishes, chosenNumbers, sizes, isReversed) => {
        const history = historyOf(wishes)
        const chosen = new Set(chosenNumbers.map((number) => parseLsn(`0/${number + 1}`)))
        const rows: Rows = new Map()
        let parked: RowChange[] = []
        for (let from = 0, batch = 0; from < history.length; batch += 1) {
          const size = 1 + (sizes[batch % sizes.length] ?? 0)
          const { emptied, toApply, toPark } = separate(history.slice(from, from + size), chosen, waitingOf(parked))
          for (const each of toApply) apply(rows, each)
          parked = [...parked.filter(({ place }) => !emptied.has(place.table.entity.name)), ...toPark]
          from += size
        }
        const positions = [...new Set(parked.map(({ place }) => place.lsn))]
        const groups = groupTransactions(positions, linksOf(parked))
        assert.equal(groups.flat().toSorted(), positions.toSorted())
        for (const group of isReversed ? groups.toReversed() : groups)
          for (const each of parked) if (group.includes(each.place.lsn)) apply(rows, each)
        const expected: Rows = new Map()
        for (const each of history) apply(expected, each)
        assert.equal(textOf(rows), textOf(expected))
      },
    ),
  ))

const change = (lsn: string, op: RowChange['op'], key: number, newKey = key): RowChange =>
  changeOf({ entity: Customer, key, newKey, op, transaction: Number(lsn) - 1 }, 0)

test('all of a chosen transaction is set aside, and later changes of its rows alone', () => {
  const first = [change('1', 'insert', 1), change('2', 'insert', 2), change('2', 'update', 1, 3)]
  const later = [change('3', 'insert', 1), change('4', 'update', 3), change('4', 'update', 9)]
  const { toApply, toPark } = separate([...first, ...later], new Set([parseLsn('0/2')]), new WaitingRows())
  assert.equal(toApply, [first[0], later[2]])
  assert.equal(toPark, [first[1], first[2], later[0], later[1]])
})

test('a truncate that is set aside makes its whole table wait, and one that is not makes void what waits', () => {
  const emptying = [change('1', 'truncate', 0), change('2', 'insert', 7)]
  assert.equal(separate(emptying, new Set([parseLsn('0/1')]), new WaitingRows()).toPark, emptying)
  const waiting = new WaitingRows()
  waiting.add('Customer', null)
  waiting.add('Order', '[1]')
  const { emptied, toApply, toPark } = separate(emptying, new Set(), waiting)
  assert.equal([[...emptied], toApply, toPark], [['Customer'], emptying, []])
})

test('transactions are grouped through chains of links, each group in order', () => {
  const links = [
    ['0/9', '0/B'],
    ['0/B', '1/0'],
    ['0/A', '0/C'],
  ] as const
  assert.equal(groupTransactions(['1/0', '0/A', '0/9', '0/B', '0/C'], links), [
    ['0/9', '0/B', '1/0'],
    ['0/A', '0/C'],
  ])
  assert.throws(() => groupTransactions(['0/1'], [['0/1', '0/2']]), /0\/2/)
})

test.run()
