import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { median, pairedRatio, percentile, quotient, range } from './statistics.ts'

const SEED = 20_240_601

test('the median is the middle value, the mean of two, and null of none', () => {
  assert.is(median([]), null)
  assert.is(median([7]), 7)
  assert.is(median([9, 1, 5]), 5)
  assert.is(median([4, 1, 3, 2]), 2.5)
  assert.is(median([10, 9, 8, 100]), 9.5, 'numbers are not sorted as texts')
})

test('a percentile is the value that so many of a hundred do not pass, and null of none', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.is(percentile([], 99), null)
  assert.is(percentile([7], 99), 7)
  assert.is(percentile(hundred, 99), 99)
  assert.is(percentile(hundred, 50), 50)
  assert.is(percentile(hundred, 100), 100)
})

test('the median leaves its values as they are', () => {
  const values = [3, 1, 2]
  median(values)
  assert.equal(values, [3, 1, 2])
})

test(`as many values are below the median as above it (seed ${SEED})`, () => {
  const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(values, (given) => {
      const middle = median(given) ?? Number.NaN
      const below = given.filter((value) => value < middle).length
      const above = given.filter((value) => value > middle).length
      return below <= given.length / 2 && above <= given.length / 2
    }),
    { seed: SEED },
  )
})

test('a ratio is the median of the ratios of the pairs, and not the ratio of the medians', () => {
  const pairs = [
    { ours: 10, theirs: 5 },
    { ours: 30, theirs: 30 },
    { ours: 100, theirs: 50 },
  ]
  assert.is(pairedRatio(pairs), 2)
  assert.is(quotient(median(pairs.map(({ ours }) => ours)), median(pairs.map(({ theirs }) => theirs))), 1)
})

test('a slow hour that hits both of a pair does not change the ratio', () => {
  const pair = { ours: 6, theirs: 5 }
  const slow = { ours: 60, theirs: 50 }
  assert.is(pairedRatio([pair, slow, pair]), 1.2)
})

test('without a pair there is no ratio, and a pair without a time is refused', () => {
  assert.is(pairedRatio([]), null)
  assert.throws(() => pairedRatio([{ ours: 1, theirs: 0 }]), /was not measured/)
  assert.throws(() => pairedRatio([{ ours: Number.NaN, theirs: 1 }]), /was not measured/)
})

test('a range has the least and the largest, and a quotient needs both of its numbers', () => {
  assert.is(range([]), null)
  assert.equal(range([3, 1, 2]), { least: 1, most: 3 })
  assert.is(quotient(1, 2), 0.5)
  assert.is(quotient(null, 2), null)
  assert.is(quotient(1, null), null)
  assert.is(quotient(1, 0), null)
})

test.run()
