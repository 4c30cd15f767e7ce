import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ageAxisEnd,
  ageMarks,
  byteAxisEnd,
  byteMarks,
  ageMarkText,
  lagData,
  lagSummary,
  walData,
  walSummary,
} from '../../../../consumers/lag/page/client/chart-data.ts'
import { flowOf, speedOf } from '../../../../consumers/lag/page/client/flow.ts'
import {
  growthOf,
  inflowPerSecond,
  NO_SERIES,
  type Series,
  withHistory,
  withLook,
} from '../../../../consumers/lag/page/client/series.ts'
import { exact, lagOf } from '../lag-of.ts'
import { monolithOf, reportOf } from './looks.ts'

const level = exact(0)

function reportAt(lastSequence: number, seconds: number, retainedBytes = 1_000_000) {
  const lag = lagOf('a', { lastSequence, hops: { toLog: level, toConsumer: level, toDatabase: exact(seconds) } })
  return reportOf([lag], { monolith: monolithOf({ retainedBytes }) })
}

function seriesOf(...looks: readonly (readonly [atMs: number, sequence: number, seconds: number])[]): Series {
  return looks.reduce(
    (series, [atMs, sequence, seconds]) => withLook(series, reportAt(sequence, seconds), atMs),
    NO_SERIES,
  )
}

const secondsOf = ({ services }: Series) => services['a']?.map((point) => point?.appliedSeconds ?? null)

test('a look is added once, and after a gap the line is broken', () => {
  const series = seriesOf([1_000, 10, 1], [1_000, 10, 1], [2_000, 10, 2], [60_000, 10, 3])
  assert.equal(series.times, [1_000, 2_000, 2_001, 60_000])
  assert.equal(secondsOf(series), [1, 2, null, 3])
})

test('where the clock of the server went back, what is later is dropped', () => {
  const back = seriesOf([10_000, 10, 1], [11_000, 10, 2], [12_000, 10, 3], [11_000, 10, 4], [11_500, 10, 5])
  assert.equal(
    [back.times, secondsOf(back)],
    [
      [10_000, 11_000, 11_500],
      [1, 4, 5],
    ],
  )
  const point = (appliedSeconds: number) => ({ appliedSeconds, messages: 0, messagesPerSecond: 0 })
  const given = { times: [1, 8, 9, 2, 3], services: { a: [1, 8, 9, 2, 3].map(point) }, retainedBytes: [1, 8, 9, 2, 3] }
  const merged = withHistory(NO_SERIES, given)
  assert.equal(
    [merged.times, secondsOf(merged), merged.retainedBytes],
    [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ],
  )
})

test('whether what is kept grows is told by the least of it, and not before that can be known', () => {
  const of = (count: number, bytesAt: (second: number) => number | null) => {
    const seconds = Array.from({ length: count }, (_, second) => second)
    return growthOf({ times: seconds.map((second) => second * 1_000), retainedBytes: seconds.map(bytesAt) })
  }
  assert.is(
    of(0, () => 1),
    'unknown',
  )
  assert.is(
    of(50, () => 1),
    'unknown',
  )
  assert.is(
    of(300, (second) => (second < 280 ? null : 1)),
    'unknown',
  )
  assert.is(
    of(100, () => 1),
    'none',
  )
  assert.is(
    of(100, (second) => second),
    'grows',
  )
  // As a slot does whose publisher keeps up: it rises for a quarter of a minute, and falls.
  for (let count = 90; count < 320; count += 1)
    assert.is(
      of(count, (second) => (second % 15) * 1_000),
      'none',
      `${count}`,
    )
})

test('ten minutes are kept', () => {
  let series = NO_SERIES
  for (let second = 0; second < 700; second += 1) series = withLook(series, reportAt(1, second), second * 1_000)
  assert.is(series.times.length, 600)
  assert.equal([series.times.at(0), secondsOf(series)?.at(0)], [100_000, 100])
})

test('a service that is new has nothing before, and one of which nothing is told has a hole', () => {
  const first = withLook(NO_SERIES, reportOf([lagOf('a')]), 1_000)
  const second = withLook(first, reportOf([{ service: 'a', status: 'unknown' }, lagOf('b')]), 2_000)
  assert.equal(secondsOf(second), [0, null])
  assert.equal(
    second.services['b']?.map((point) => point === null),
    [true, false],
  )
})

test('what nothing tells is a gap, and no lag of none', () => {
  const nothing = { seconds: 0, bound: 'at least' as const }
  const untold = lagOf('a', { hops: { toLog: nothing, toConsumer: nothing, toDatabase: nothing } })
  assert.equal(secondsOf(withLook(NO_SERIES, reportOf([untold]), 1_000)), [null])
})

test('what a server kept takes the place of what was drawn of that time, and older looks stay', () => {
  const drawn = seriesOf([1_000, 10, 1], [2_000, 10, 2], [3_000, 10, 3])
  const point = (appliedSeconds: number) => ({ appliedSeconds, messages: 0, messagesPerSecond: 0 })
  const given = { times: [3_000, 4_000], services: { a: [point(33), point(4)] }, retainedBytes: [5, 6] }
  const merged = withHistory(drawn, given)
  assert.equal(
    [merged.times, secondsOf(merged)],
    [
      [1_000, 2_000, 3_000, 4_000],
      [1, 2, 33, 4],
    ],
  )
  assert.equal(merged.retainedBytes, [1_000_000, 1_000_000, 5, 6])
  assert.equal(secondsOf(withHistory(drawn, { ...given, times: [60_000, 61_000] })), [1, 2, 3, null, 33, 4])
  assert.equal(withHistory(drawn, { times: [], services: {}, retainedBytes: [] }), drawn)
})

test('what flows into the log is told by where the stream ended ten looks ago', () => {
  assert.is(inflowPerSecond(seriesOf([1_000, 10, 0]), 'a'), null)
  assert.is(inflowPerSecond(seriesOf([1_000, 10, 0], [3_000, 50, 0]), 'a'), 20)
  assert.is(inflowPerSecond(seriesOf([1_000, 10, 0], [3_000, 5, 0]), 'a'), 0)
  assert.is(inflowPerSecond(NO_SERIES, 'a'), null)
})

test('the flow names what is not there, and moves the faster the more flows', () => {
  const series = seriesOf([1_000, 10, 0], [2_000, 22, 0])
  const flow = flowOf(reportAt(22, 2.5), series)
  assert.equal([flow.toLog.perSecond, flow.monolith.text, flow.log.note], [12, 'followed', 'log level'])
  assert.is(flow.services[0]?.note, '2.5 s behind')
  const dark = flowOf(reportOf([{ service: 'a', status: 'unknown' }], { monolith: null }), NO_SERIES)
  assert.equal([dark.monolith.tone, dark.log.tone, dark.toLog.perSecond], ['unknown', 'unknown', null])
  assert.is(
    flowOf(reportOf([], { monolith: monolithOf({ isFollowed: false }) }), NO_SERIES).monolith.text,
    'not followed',
  )
  assert.equal([null, 0, 0.5, 10, 100].map(speedOf), [0, 0, 1, 2, 3])
})

test('the charts get columns, and the axis of ages marks seconds as well as hours', () => {
  const series = seriesOf([1_000, 10, 1], [2_000, 10, 2])
  assert.equal(lagData(series, ['a', 'gone']), [[1, 2], [1, 2], []])
  assert.equal(walData(series, null), [
    [1, 2],
    [1_000_000, 1_000_000],
  ])
  assert.equal(walData(series, 7).at(-1), [7, 7])
  assert.equal([0, 4, 3_600, 10_000_000].map(ageAxisEnd), [3, 10, 3_600, 10_000_000])
  assert.equal(ageMarks(60).map(ageMarkText), ['0', '1 s', '3 s', '10 s', '30 s', '1 min'])
  assert.equal([0, 117_000_000, 2_200_000_000].map(byteAxisEnd), [4_000_000, 200_000_000, 4_000_000_000])
  assert.equal(byteMarks(4_000), [0, 1_000, 2_000, 3_000, 4_000])
  assert.equal([3_600, 604_800].map(ageMarkText), ['1 h', '7 d'])
})

test('the charts are told in a sentence', () => {
  assert.is(lagSummary(NO_SERIES, ['a']), 'Nothing is drawn yet.')
  assert.is(lagSummary(seriesOf([0, 1, 0], [2_000, 1, 0]), ['a']), 'In the last 2.0 s no service was behind.')
  assert.is(
    lagSummary(seriesOf([0, 1, 7], [2_000, 1, 0]), ['a']),
    'In the last 2.0 s a was the furthest behind, by 7.0 s; now none is behind.',
  )
  const unknownAt = (series: Series, atMs: number) =>
    withLook(series, reportOf([{ service: 'a', status: 'unknown' }], { monolith: null }), atMs)
  const gone = unknownAt(seriesOf([0, 1, 7], [2_000, 1, 7]), 3_000)
  assert.is(
    lagSummary(gone, ['a']),
    'In the last 3.0 s a was the furthest behind, by 7.0 s; of a nothing can be told now.',
  )
  const other = {
    ...gone,
    services: { ...gone.services, b: gone.times.map(() => ({ appliedSeconds: 0, messages: 0, messagesPerSecond: 0 })) },
  }
  assert.match(
    lagSummary(other, ['a', 'b']),
    /7\.0 s; now none of the others is behind, and of a nothing can be told now\.$/,
  )
  assert.is(
    lagSummary(unknownAt(seriesOf([0, 1, 0], [2_000, 1, 0]), 3_000), ['a']),
    'In the last 3.0 s no service was behind, as far as it is known: for 2.0 s of them; of a nothing can be told now.',
  )
  assert.is(lagSummary(unknownAt(unknownAt(NO_SERIES, 0), 1_000), ['a']), 'Nothing could be told in the last 1.0 s.')
  assert.match(walSummary(gone), /1\.0 MB at most; what it keeps now cannot be told/)
  assert.is(walSummary(NO_SERIES), 'Nothing is drawn yet.')
  assert.match(walSummary(seriesOf([0, 1, 0], [2_000, 1, 0])), /from 1\.0 MB to 1\.0 MB, 1\.0 MB at most/)
})

test.run()
