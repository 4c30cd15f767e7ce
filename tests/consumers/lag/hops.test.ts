import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hopsOf, readTo } from '../../../consumers/lag/hops.ts'
import type { Age } from '../../../infra/following/log-lag.ts'

const exact = (seconds: number): Age => ({ seconds, bound: 'exact' })
const atLeast = (seconds: number): Age => ({ seconds, bound: 'at least' })
const atMost = (seconds: number): Age => ({ seconds, bound: 'at most' })

test('what is not past a hop is not past the next one', () => {
  assert.equal(hopsOf(exact(5), exact(0), exact(0)), { toLog: exact(5), toConsumer: exact(5), toDatabase: exact(5) })
  assert.equal(hopsOf(exact(0), exact(3), exact(8)), { toLog: exact(0), toConsumer: exact(3), toDatabase: exact(8) })
  assert.equal(hopsOf(exact(5), exact(3), exact(8)), { toLog: exact(5), toConsumer: exact(5), toDatabase: exact(8) })
})

test('what is behind an unknown hop is at least as old as what is known of it', () => {
  assert.equal(hopsOf(atLeast(0), exact(3), exact(8)), {
    toLog: atLeast(0),
    toConsumer: atLeast(3),
    toDatabase: atLeast(8),
  })
})

test('an age of which only a limit is known becomes exact where something older is known', () => {
  assert.equal(hopsOf(atMost(5), exact(3), exact(8)), { toLog: atMost(5), toConsumer: atMost(5), toDatabase: exact(8) })
})

test('an age at a hop itself of which only a limit is known is such a limit behind it', () => {
  assert.equal(hopsOf(exact(1), atMost(3), atMost(9)), {
    toLog: exact(1),
    toConsumer: atMost(3),
    toDatabase: atMost(9),
  })
  assert.equal(hopsOf(exact(5), atMost(3), exact(5)).toDatabase, exact(5))
  assert.equal(hopsOf(atLeast(2), atMost(3), atMost(9)).toDatabase, atLeast(2))
})

test('of a consumer that is gone nothing is read that is not applied', () => {
  const samples = [{ ageMs: 0, applied: 10, read: 15, last: 20, loadedRows: null, traffic: 0 }]
  assert.equal(
    [readTo(10, true, samples), readTo(10, false, samples), readTo(18, true, samples), readTo(10, true, [])],
    [15, 10, 18, 10],
  )
})

test.run()
