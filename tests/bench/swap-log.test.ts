import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { lastSwap, loggedUrl } from './swap-log.ts'

const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')

const SWAP = [
  '1700000000.100 11 LOG:  statement: BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
  '1700000000.101 11 LOG:  duration: 0.1 ms',
  '1700000000.110 11 LOG:  statement: SET LOCAL lock_timeout = 700; LOCK TABLE ONLY a IN ACCESS EXCLUSIVE MODE',
  '1700000000.115 12 LOG:  duration: 4.0 ms',
  '1700000000.120 11 LOG:  duration: 10.0 ms',
  '1700000000.121 11 LOG:  statement: SET LOCAL lock_timeout = 699; LOCK TABLE ONLY b IN ACCESS EXCLUSIVE MODE',
  '1700000000.122 11 LOG:  duration: 1.0 ms',
  '1700000000.123 12 LOG:  statement: COMMIT',
  '1700000000.124 12 LOG:  duration: 1.0 ms',
  '1700000000.130 11 LOG:  statement: ALTER TABLE a',
  '\tSET SCHEMA b',
  '1700000000.150 11 LOG:  duration: 20.0 ms',
  '1700000000.151 11 LOG:  statement: COMMIT',
  '1700000000.160 11 LOG:  duration: 9.0 ms',
  '1700000000.170 11 LOG:  statement: BEGIN',
]

test('a swap lasts from its first lock to the end of its commit', () => {
  const swap = lastSwap(lines(...SWAP))
  assert.is(Math.round((swap?.committedAtMs ?? 0) - (swap?.lockedAtMs ?? 0)), 40)
})

test('of several swaps the last one is taken', () => {
  const later = SWAP.map((line) => line.replace(/^1700000000/, '1700000009').replace(' 11 ', ' 13 '))
  assert.is(Math.round(lastSwap(lines(...SWAP, ...later))?.lockedAtMs ?? 0), 1_700_000_009_120)
})

test('a log without a swap, or with one that did not commit, has none', () => {
  assert.is(lastSwap(''), null)
  assert.is(lastSwap(lines(...SWAP.slice(0, 7))), null)
})

test('the sessions of a logged URL say what they do', () => {
  const options = new URL(loggedUrl('postgres://a:b@127.0.0.1:5432/c?x=1')).searchParams.get('options')
  assert.is(options, '-c log_statement=all -c log_duration=on')
})

test.run()
