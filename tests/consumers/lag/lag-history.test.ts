import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLagHistory, slotSecondsLeft } from '../../../consumers/lag/lag-history.ts'
import { exact, lagOf } from './lag-of.ts'

const look = (atMs: number, retainedBytes: number | null, safeBytes: number | null) => ({
  atMs,
  retainedBytes,
  safeBytes,
})

/** A look every so many seconds, over so many, at what a slot keeps then; 1,000,000 bytes are its limit. */
function looks(everySeconds: number, seconds: number, retained: (second: number) => number): ReturnType<typeof look>[] {
  return Array.from({ length: Math.floor(seconds / everySeconds) + 1 }, (_, index) => {
    const bytes = retained(index * everySeconds)
    return look(index * everySeconds * 1_000, bytes, 1_000_000 - bytes)
  })
}

test('a slot is lost when what it keeps has grown by what is safe, at the pace of the last minutes, however often one looks', () => {
  for (const everySeconds of [1, 15, 60, 150]) {
    const left = slotSecondsLeft(looks(everySeconds, 300, (second) => 1_000 * second))
    assert.is(left, 700, `every ${everySeconds} s`)
  }
  // What it kept before that does not count, nor does a gap.
  assert.is(slotSecondsLeft(looks(1, 600, (second) => (second < 300 ? 0 : 1_000 * (second - 300)))), 700)
  const gap = looks(1, 300, (second) => 1_000 * second).map((each, second) =>
    second > 20 && second < 40 ? look(each.atMs, null, null) : each,
  )
  assert.is(slotSecondsLeft(gap), 700)
  // It may be past its limit, and is given up at the next checkpoint.
  assert.is(slotSecondsLeft(looks(1, 300, (second) => 4_000 * second)), 0)
})

test('what a slot keeps may grow and drop by turns: what it grows by all in all counts', () => {
  const tooth = (period: number) => (second: number) => 10_000 * (second % period)
  for (const period of [10, 15, 45, 60])
    for (let until = 240; until < 300; until += 1)
      assert.is(slotSecondsLeft(looks(1, until, tooth(period))), null, `${period} s, until ${until} s`)
  const rising = slotSecondsLeft(looks(1, 300, (second) => 500 * second + tooth(15)(second))) ?? 0
  assert.ok(rising > 1_500 && rising < 1_900, `${rising} s`)
  // Two scrapes of which one is at the top of a tooth.
  assert.is(slotSecondsLeft([look(0, 0, 1_000_000), look(15_000, 140_000, 860_000)]), null)
})

test('nobody knows when a slot is lost that does not grow, that nothing limits, or at which nobody has looked for a minute', () => {
  assert.is(slotSecondsLeft(looks(1, 300, () => 200)), null)
  assert.is(slotSecondsLeft(looks(1, 300, (second) => 1_000 - second)), null)
  assert.is(slotSecondsLeft(looks(1, 300, (second) => second).map((each) => ({ ...each, safeBytes: null }))), null)
  assert.is(slotSecondsLeft(looks(1, 59, (second) => 1_000 * second)), null)
  assert.is.not(slotSecondsLeft(looks(1, 60, (second) => 1_000 * second)), null)
  assert.is(slotSecondsLeft(looks(400, 800, (second) => 1_000 * second)), null)
  assert.is(slotSecondsLeft([look(0, 100, 1_000)]), null)
  assert.is(slotSecondsLeft([]), null)
})

test('what nothing tells is a gap, and no lag of none', () => {
  const nothing = { seconds: 0, bound: 'at least' as const }
  const untold = lagOf('iam', { hops: { toLog: nothing, toConsumer: nothing, toDatabase: nothing } })
  const least = lagOf('chat', { hops: { toLog: nothing, toConsumer: nothing, toDatabase: { ...nothing, seconds: 4 } } })
  const { services } = createLagHistory().after({ monolith: null, services: [untold, least], problems: [] }, 0)
  assert.equal(services['iam'], [null])
  assert.is(services['chat']?.[0]?.appliedSeconds, 4)
})

test('ten minutes are kept, with a gap where nothing could be told', () => {
  const history = createLagHistory()
  const behind = lagOf('iam', {
    messages: 7,
    messagesPerSecond: 2,
    hops: { toLog: exact(0), toConsumer: exact(1), toDatabase: exact(3) },
  })
  history.after({ monolith: null, services: [behind], problems: [] }, 0)
  const two = history.after({ monolith: null, services: [{ service: 'iam', status: 'unknown' }], problems: [] }, 1_000)
  assert.equal(two.times, [0, 1_000])
  assert.equal(two.services, { iam: [{ appliedSeconds: 3, messages: 7, messagesPerSecond: 2 }, null] })
  let latest = two
  for (let second = 2; second < 700; second += 1)
    latest = history.after({ monolith: null, services: [behind], problems: [] }, second * 1_000)
  assert.equal([latest.times.length, latest.times[0], latest.services['iam']?.length], [600, 100_000, 600])
})

test.run()
