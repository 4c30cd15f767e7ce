import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { randomFor, uuidsFor } from '../../../infra/demo/monolith/random.ts'

const draws = (seed: number, name: string): number[] => {
  const random = randomFor(seed, name)
  return Array.from({ length: 20 }, () => random.below(1_000_000))
}

test('a stream of numbers depends on the seed and the name alone', () => {
  assert.equal(draws(1, 'Element'), draws(1, 'Element'))
  assert.not.equal(draws(1, 'Element'), draws(2, 'Element'))
  assert.not.equal(draws(1, 'Element'), draws(1, 'View'))
  assert.not.equal(draws(1, 'Element'), draws(1 + 2 ** 32, 'Element'))
})

test('the numbers stay below their limit and reach every part of it', () => {
  const random = randomFor(7, 'limits')
  const counts = Array.from({ length: 10 }, () => 0)
  for (let draw = 0; draw < 10_000; draw += 1) {
    const number = random.below(10)
    counts[number] = (counts[number] ?? 0) + 1
  }
  assert.is(counts.length, 10)
  assert.ok(
    counts.every((count) => count > 850 && count < 1150),
    counts.join(),
  )
})

test('ids are distinct UUIDs of version 4, and a function of their ordinal', () => {
  const id = uuidsFor(1, 'Element')
  const ids = Array.from({ length: 100_000 }, (_, ordinal) => id(ordinal))
  assert.is(new Set(ids).size, ids.length)
  assert.ok(ids.every((text) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)))
  assert.is(uuidsFor(1, 'Element')(99_999), ids.at(-1))
  assert.not.ok(ids.includes(uuidsFor(1, 'Relationship')(0)))
  assert.not.ok(ids.includes(uuidsFor(2, 'Element')(0)))
})

test.run()
