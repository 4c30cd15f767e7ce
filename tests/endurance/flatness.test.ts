import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { growthOf } from './flatness.ts'

const MARGIN = { part: 0.1, more: 5 }

test('a figure that swings is flat, and one that climbs is not', () => {
  const swinging = Array.from({ length: 100 }, (_, index) => 100 + (index % 10))
  assert.ok(growthOf(swinging, MARGIN).isFlat)
  const climbing = Array.from({ length: 100 }, (_, index) => 100 + index)
  assert.equal(growthOf(climbing, MARGIN), { from: 132, to: 186, isFlat: false })
})

test('what climbs in the beginning alone is flat', () => {
  const warming = Array.from({ length: 100 }, (_, index) => Math.min(100, 20 + index * 5))
  assert.ok(growthOf(warming, MARGIN).isFlat)
})

test('a single look is compared with itself, and none is a defect', () => {
  assert.equal(growthOf([7], MARGIN), { from: 7, to: 7, isFlat: true })
  assert.throws(() => growthOf([], MARGIN), 'Nothing was looked at')
})

test.run()
