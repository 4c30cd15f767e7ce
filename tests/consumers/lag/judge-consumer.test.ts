import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ConsumerState, judgeConsumer, type Sample, samePhase } from '../../../consumers/lag/judge-consumer.ts'
import { paceOf, secondsUntil } from '../../../consumers/lag/pace.ts'

/** A sample a second, the latest of this moment. */
function samples(...places: readonly (readonly [applied: number, last: number])[]): Sample[] {
  return places.map(([applied, last], index) => ({
    ageMs: (places.length - 1 - index) * 1_000,
    applied,
    read: applied,
    last,
    loadedRows: null,
    traffic: 0,
  }))
}

function seconds(count: number, at: (second: number) => readonly [applied: number, last: number]): Sample[] {
  return samples(...Array.from({ length: count }, (_, second) => at(second)))
}

const later = (given: readonly Sample[], ms: number): Sample[] =>
  given.map((sample) => ({ ...sample, ageMs: sample.ageMs + ms }))

function judge(given: readonly Sample[], state: Partial<ConsumerState> = {}): string {
  const last = given.at(-1)
  const messages = last === undefined ? 0 : last.last - last.applied
  return judgeConsumer({
    isConsumed: true,
    isBuilding: false,
    isLoading: false,
    messages,
    parked: 0,
    samples: given,
    ...state,
  })
}

test('a consumer that is level, or becomes level now and then, or catches up, is well', () => {
  assert.is(judge(seconds(16, () => [50, 50])), 'ok')
  assert.is(
    judge(seconds(16, (second) => [second === 7 ? 90 : 10 + second, 90 + second * 10 * (second === 7 ? 0 : 1)])),
    'ok',
  )
  assert.is(judge(seconds(16, (second) => [second * 20, 1_000 + second * 10])), 'ok')
})

test('a consumer that works and falls further behind at each look is warned of', () => {
  assert.is(judge(seconds(16, (second) => [second * 5, 100 + second * 10])), 'warning')
  assert.is(
    judge(
      seconds(16, (second) => [second * 5, 100 + second * 10]),
      { parked: 3 },
    ),
    'warning',
  )
})

test('a consumer whose transaction takes long works as long as something passes', () => {
  const sending = seconds(16, () => [50, 900]).map((sample, second) => ({ ...sample, traffic: second * 1_000 }))
  assert.is(judge(sending), 'ok')
  assert.is(judge(sending.map((sample) => ({ ...sample, traffic: 7_000 }))), 'stall')
})

test('a consumer that loads is not warned of what the publisher writes faster than its tables take it', () => {
  const given = seconds(16, (second) => [second * 5, 100 + second * 10])
  assert.is(judge(given, { isLoading: true }), 'ok')
})

test('what was done while the tables were loaded does not count against what is done afterwards', () => {
  const loading = seconds(16, (second) => [900, 900 + second]).map((sample, second) => ({
    ...sample,
    loadedRows: second < 12 ? 5_000 : null,
    applied: second < 12 ? 900 + second : 100 + second,
  }))
  assert.is(samePhase(loading).length, 4)
  assert.ok(paceOf(loading).messagesPerSecond > 0)
  assert.is(judge(loading), 'ok')
})

test('a consumer that does not move though there is work stalls, whether it writes that down or is silent', () => {
  assert.is(judge(seconds(16, () => [50, 51])), 'stall')
  assert.is(
    judge(
      later(
        seconds(16, () => [50, 50]),
        60_000,
      ),
      { messages: 1 },
    ),
    'stall',
  )
  // Nothing is to be done, or indexes are built, which moves nothing in the log.
  assert.is(
    judge(
      later(
        seconds(16, () => [50, 50]),
        60_000,
      ),
    ),
    'ok',
  )
  assert.is(
    judge(
      later(
        seconds(16, () => [50, 51]),
        60_000,
      ),
      { isBuilding: true },
    ),
    'ok',
  )
})

test('nothing is said of a consumer that has just begun', () => {
  assert.is(judge([], { messages: 100 }), 'ok')
  assert.is(judge(seconds(5, () => [50, 100])), 'ok')
  assert.is(
    judge([
      ...later(
        seconds(16, () => [40, 100]),
        3_600_000,
      ),
      ...seconds(3, () => [40, 100]),
    ]),
    'ok',
  )
})

test('where nobody holds the lease it has stopped, whatever was written down', () => {
  assert.is(
    judge(
      seconds(16, () => [50, 50]),
      { isConsumed: false },
    ),
    'stop',
  )
})

test('changes that were set aside are told of where all else is well', () => {
  assert.is(
    judge(
      seconds(16, () => [50, 50]),
      { parked: 1 },
    ),
    'parked',
  )
  assert.is(
    judge(
      seconds(16, () => [50, 51]),
      { parked: 1 },
    ),
    'stall',
  )
})

test('a pace is that of the last seconds, and falls when nothing moves any more', () => {
  const moving = seconds(11, (second) => [second * 30, 1_000 + second * 10])
  const { catchingUpPerSecond, messagesPerSecond } = paceOf(moving)
  assert.equal([messagesPerSecond, catchingUpPerSecond], [30, 20])
  assert.is(paceOf(later(moving, 5_000)).messagesPerSecond, 20)
  assert.is(paceOf(later(moving, 30_000)).messagesPerSecond, 0)
  assert.is(paceOf(moving.slice(0, 1)).messagesPerSecond, 0)
  const loading = moving.map((sample, second) => ({ ...sample, loadedRows: second * 500 }))
  assert.is(paceOf(loading).rowsPerSecond, 500)
  // Another attempt emptied the table.
  assert.is(
    paceOf([...loading, ...seconds(1, () => [400, 1_200]).map((sample) => ({ ...sample, loadedRows: 0 }))])
      .rowsPerSecond,
    0,
  )
})

test('what is left takes its time at that pace, and for ever where it comes no nearer', () => {
  assert.equal(
    [secondsUntil(100, 20), secondsUntil(0, 0), secondsUntil(100, 0), secondsUntil(100, -5)],
    [5, 0, null, null],
  )
})

test.run()
