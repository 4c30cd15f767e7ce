import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadingProgress } from '../../../consumers/lag/loading-progress.ts'

const NAMES = ['Order', 'Line']
const held = [
  { entity: 'Line', attempt: 1, rows: 20, expectedRows: null },
  { entity: 'Order', attempt: 1, rows: 10, expectedRows: 40 },
  { entity: 'Dropped', attempt: 1, rows: 7, expectedRows: 7 },
]
const nothing = { totals: null, estimates: null }

test('rows to expect are unknown as long as they are of one table', () => {
  const progress = loadingProgress(NAMES, { held, ...nothing }, 5)
  assert.equal([progress.rows, progress.expectedRows, progress.secondsLeft], [30, null, null])
  assert.equal(progress.entities, [
    { entity: 'Order', rows: 10, expectedRows: 40 },
    { entity: 'Line', rows: 20, expectedRows: null },
  ])
})

test('the monolith estimates what the log does not count yet, and what is loaded is never more than is expected', () => {
  const estimates = new Map([
    ['Order', 1_000],
    ['Line', 60],
  ])
  const progress = loadingProgress(NAMES, { held, totals: null, estimates }, 10)
  assert.equal([progress.expectedRows, progress.isEstimate, progress.secondsLeft], [100, true, 7])
  const stale = loadingProgress(
    NAMES,
    {
      held: [{ entity: 'Line', attempt: 1, rows: 90, expectedRows: null }],
      totals: null,
      estimates: new Map([
        ['Order', 0],
        ['Line', 60],
      ]),
    },
    10,
  )
  assert.equal([stale.rows, stale.expectedRows, stale.secondsLeft], [90, 90, 0])
})

test('the log counts before all others', () => {
  const totals = [
    { entity: 'Order', attempt: 1, rows: 50 },
    { entity: 'Line', attempt: 1, rows: 60 },
  ]
  const progress = loadingProgress(NAMES, { held, totals, estimates: new Map([['Line', 1]]) }, 0)
  assert.equal([progress.expectedRows, progress.isEstimate, progress.secondsLeft], [110, false, null])
})

test('what the log counted of an attempt before is no count of the one that is loaded', () => {
  const totals = [
    { entity: 'Order', attempt: 1, rows: 50 },
    { entity: 'Line', attempt: 1, rows: 60 },
  ]
  const anew = [
    { entity: 'Order', attempt: 2, rows: 3, expectedRows: null },
    { entity: 'Line', attempt: 1, rows: 60, expectedRows: 60 },
  ]
  const progress = loadingProgress(NAMES, { held: anew, totals, estimates: new Map([['Order', 30]]) }, 0)
  assert.equal([progress.expectedRows, progress.isEstimate], [90, true])
})

test.run()
