import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLagHistory, slotSecondsLeft } from '../../../consumers/lag/lag-history.ts'
import { exact, lagOf } from './lag-of.ts'

const look = (atMs: number, retainedBytes: number | null, safeBytes: number | null) => ({
  atMs,
  retainedBytes,
  safeBytes,
})

test('a slot is lost when what it keeps has grown by what is safe, at the pace of the last looks', () => {
  assert.is(slotSecondsLeft([look(0, 100, 1_000), look(10_000, 200, 900)]), 90)
  assert.is(slotSecondsLeft([look(0, null, null), look(5_000, 100, 1_000), look(10_000, 150, 500)]), 50)
})

test('nobody knows when a slot is lost that does not grow, that nothing limits, or of which one look is all', () => {
  assert.is(slotSecondsLeft([look(0, 200, 1_000), look(10_000, 200, 1_000)]), null)
  assert.is(slotSecondsLeft([look(0, 200, 1_000), look(10_000, 100, 1_000)]), null)
  assert.is(slotSecondsLeft([look(0, 100, null), look(10_000, 200, null)]), null)
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
