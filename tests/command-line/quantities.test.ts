import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bytesText,
  clockText,
  counted,
  countText,
  durationText,
  rateText,
  secondsLeft,
} from '../../infra/command-line/quantities.ts'
import { parseBytes, parseDuration } from '../../infra/configuration/parse-quantity.ts'

test('sizes have three digits at most before their unit', () => {
  const sizes = [0, 1, 999, 999.7, 1000, 1234, 9_960, 99_499, 999_499, 999_500, 104_000_000, 1.5e12, 2e18]
  assert.equal(sizes.map(bytesText), [
    '0 B',
    '1 B',
    '999 B',
    '1.0 kB',
    '1.0 kB',
    '1.2 kB',
    '10 kB',
    '99 kB',
    '999 kB',
    '1.0 MB',
    '104 MB',
    '1.5 TB',
    '2000 PB',
  ])
})

test('counts are grouped, and nouns agree with them', () => {
  assert.is(countText(1234567), '1,234,567')
  assert.is(counted(1, 'row'), '1 row')
  assert.is(counted(0, 'row'), '0 rows')
  assert.is(counted(2, 'index', 'indexes'), '2 indexes')
})

test('a rate is not told before it can be', () => {
  assert.is(rateText(18_000_000, 1), '18 MB/s')
  assert.is(rateText(18_000_000, 0), '')
  assert.is(rateText(0, 1), '')
})

test('durations read as one would say them', () => {
  assert.equal([0, 0.04, 12.34, 59.9, 59.96, 61, 3599.6, 7800].map(durationText), [
    '0.0 s',
    '0.0 s',
    '12.3 s',
    '59.9 s',
    '1 min 00 s',
    '1 min 01 s',
    '1 h 00 min',
    '2 h 10 min',
  ])
})

test('the time that is left is shown as a clock does', () => {
  assert.equal([0, 8.2, 60, 750, 11_220].map(clockText), ['0:00', '0:09', '1:00', '12:30', '3:07:00'])
})

test('the time that is left follows the pace so far', () => {
  assert.is(secondsLeft(25, 100, 10), 30)
  assert.is(secondsLeft(100, 100, 10), 0)
  assert.is(secondsLeft(120, 100, 10), 0)
  assert.is(secondsLeft(0, 100, 10), null)
  assert.is(secondsLeft(25, null, 10), null)
})

test('durations are read with their unit only', () => {
  assert.equal(['500ms', '90s', '15m', '2h'].map(parseDuration), [500, 90_000, 900_000, 7_200_000])
  for (const text of ['15', 'm', '1.5h', '-1s', '15 m', '']) assert.is(parseDuration(text), null, text)
})

test('a size is a whole number with a decimal unit', () => {
  assert.equal(['500kB', '20MB', '1GB'].map(parseBytes), [500_000, 20_000_000, 1_000_000_000])
  for (const text of ['20', '0MB', '20mb', '20MiB', '1.5GB', '-1MB', '']) assert.is(parseBytes(text), null, text)
})

test.run()
