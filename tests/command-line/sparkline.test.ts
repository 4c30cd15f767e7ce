import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sparkline } from '../../infra/command-line/sparkline.ts'

const NOW_MS = 1_000_000_000
const looks = (...values: (number | null)[]): { atMs: number; value: number | null }[] =>
  values.map((value, index) => ({ atMs: NOW_MS - (values.length - 1 - index) * 1_000, value }))

const unicode = { isUnicode: true, spanMs: 8_000, width: 8 }

test('each look is a cell, the greatest of them the highest', () => {
  assert.is(sparkline(looks(0, 1, 2, 3, 4, 5, 6, 7), unicode), '▁▂▃▄▅▆▇█')
  assert.is(sparkline(looks(0, 1, 2, 3, 4, 5, 6, 7), { ...unicode, isUnicode: false }), ' .:-=+*#')
})

test('what is level is flat, what is less than a second is low, and nothing that is there is invisible', () => {
  assert.is(sparkline(looks(0, 0, 0), unicode), '     ▁▁▁')
  assert.is(sparkline(looks(0, 0.01, 0.5), unicode), '     ▁▂▅')
  assert.is(sparkline(looks(0.001, 3_600), unicode), '      ▂█')
})

test('what nobody could tell is no level line, and what nobody looked at is blank', () => {
  assert.is(sparkline(looks(2, null, 2), unicode), '     █?█')
  assert.is(sparkline([], unicode), ' '.repeat(8))
})

test('a cell of several looks shows the greatest, and a look that took long fills the cells it took', () => {
  assert.is(sparkline(looks(0, 8, 0, 0, 4, 0, 0, 0), { ...unicode, width: 4 }).length, 4)
  assert.match(sparkline(looks(0, 8, 0, 0, 4, 0, 0, 0), { ...unicode, width: 4 }), /█.*▅|█.*▄/)
  const slow = [
    { atMs: NOW_MS - 4_000, value: 1 },
    { atMs: NOW_MS, value: null },
  ]
  assert.is(sparkline(slow, unicode), '   █????')
})

test('a picture moves to the left by whole cells', () => {
  const values = Array.from({ length: 60 }, (_, index) => ({ atMs: NOW_MS + index * 1_000, value: (index * 7) % 11 }))
  const at = (count: number): string =>
    sparkline(values.slice(0, count), { isUnicode: true, spanMs: 20_000, width: 10 })
  for (let count = 30; count < 60; count += 2) assert.is(at(count + 2).slice(1, 8), at(count).slice(2, 9))
})

test.run()
