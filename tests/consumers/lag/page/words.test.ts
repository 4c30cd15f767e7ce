import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { adviceFor } from '../../../../consumers/lag/page/client/advice.ts'
import { flowOf } from '../../../../consumers/lag/page/client/flow.ts'
import { NO_SERIES } from '../../../../consumers/lag/page/client/series.ts'
import { ageText, overallOf, slotText, steadyOverallOf } from '../../../../consumers/lag/page/client/words.ts'
import type { LagReport } from '../../../../consumers/lag/lag-report.ts'
import { verdictOf } from '../../../../consumers/lag/verdict.ts'
import { exact, lagOf, loadingOf } from '../lag-of.ts'
import { lateReportOf, monolithOf, reportOf, troubledReport } from './looks.ts'

const judged = (report: LagReport, slotSecondsLeft: number | null = null) => ({ report, slotSecondsLeft })
const unknown = (service: string) => ({ service, status: 'unknown' as const })

test('the whole is level, follows, is loaded, or is not well, in a sentence', () => {
  const behind = lagOf('b', { messages: 3 })
  const loading = lagOf('c', { phase: 'loading', loading: loadingOf({ rows: 250, expectedRows: 1_000 }) })
  const texts = [
    reportOf([lagOf('a')]),
    reportOf([lagOf('a'), lagOf('b')]),
    reportOf([lagOf('a'), behind]),
    reportOf([lagOf('a'), loading]),
    reportOf([lagOf('a', { phase: 'waiting' })]),
    reportOf([lagOf('a', { phase: 'indexing' }), lagOf('b', { phase: 'indexing' }), lagOf('c')]),
    reportOf([lagOf('a'), lagOf('b', { status: 'stop' }), loading]),
    reportOf([unknown('a'), unknown('b')]),
    reportOf([lagOf('a')], { monolith: monolithOf({ isFollowed: false }) }),
    reportOf([lagOf('a')], { monolith: monolithOf({ walStatus: 'lost' }) }),
    reportOf([lagOf('a')], { monolith: null }),
    lateReportOf({ seconds: 0, bound: 'at least' }),
    lateReportOf({ seconds: 40, bound: 'at most' }),
    reportOf([lagOf('a'), lagOf('b', { hops: { toLog: exact(0), toConsumer: exact(1), toDatabase: exact(75) } })]),
  ].map((report) => overallOf(judged(report)).text)
  assert.equal(texts, [
    'The only service is level',
    'All two services are level',
    'All two services follow, and nothing is in the way',
    'One of two is being loaded, 25.0 % of its rows are there',
    'The only service waits for the snapshot',
    'Two of three build their indexes',
    'One of three is not well: b stopped',
    'Nothing can be told of any service',
    'No publisher follows the monolith',
    'The slot of the monolith is lost',
    'Nothing can be told of the monolith',
    'Nothing tells what of the monolith is not in the log',
    'The publisher has told nothing new for a while',
    'All two services follow, b by 1 min 15 s behind',
  ])
})

test('of many that are not well the gravest are named, and the others are counted', () => {
  const { text, tone } = overallOf(judged({ ...troubledReport(), monolith: monolithOf() }))
  assert.is(text, 'Six of nine are not well: diagram stalled, chat stopped, sales stopped, and three more')
  assert.is(tone, 'bad')
})

const lateBy = (seconds: number) => lateReportOf(exact(seconds))

test('a log that is late is not well, however well each service is', () => {
  const { text, tone } = overallOf(judged(lateBy(600)))
  assert.equal([text, tone], ['The log is behind the monolith by 10 min 00 s', 'bad'])
  assert.is(steadyOverallOf(judged(lateBy(600))), 'The log is behind the monolith')
  assert.is(overallOf(judged(lateBy(30))).tone, 'warning')
  assert.is(overallOf(judged(lateBy(5))).tone, 'calm')
  const [advice] = adviceFor(lateBy(600), null)
  assert.match(
    `${advice?.about} ${advice?.text}`,
    /^The monolith is followed, and what .* 10 min 00 s ago is not in the/,
  )
  const { log, toLog } = flowOf(lateBy(600), NO_SERIES)
  assert.equal([log.text, log.tone, log.note, toLog.tone], ['late', 'bad', 'log 10 min 00 s behind', 'bad'])
})

test('what is graver is not hidden behind what is less so', () => {
  const lost = monolithOf({ walStatus: 'lost' })
  const parked = reportOf([lagOf('a', { status: 'parked', parked: 1 }), lagOf('b')], { monolith: lost })
  assert.equal(overallOf(judged(parked)), {
    tone: 'bad',
    text: 'The slot of the monolith is lost; one of two is not well: a parked',
  })
  const stopped = reportOf([lagOf('a', { status: 'stop' })], { monolith: monolithOf({ isFollowed: false }) })
  assert.equal(overallOf(judged(stopped)), {
    tone: 'bad',
    text: 'One of one is not well: a stopped; no publisher follows the monolith',
  })
  const loading = reportOf([lagOf('a', { phase: 'loading', loading: loadingOf({ rows: 250, expectedRows: 1_000 }) })], {
    monolith: monolithOf({ isFollowed: false }),
  })
  assert.is(
    overallOf(judged(loading)).text,
    'No publisher follows the monolith; the only service is being loaded, 25.0 % of its rows are there',
  )
  assert.is(steadyOverallOf(judged(loading)), 'No publisher follows the monolith; services are being loaded')
  const dark = overallOf(judged(reportOf([unknown('a')], { monolith: null }))).text
  assert.is(dark, 'Nothing can be told of the monolith; nothing can be told of any service')
})

test('what is loaded is not said to be all there as long as it is loaded', () => {
  const loading = loadingOf({ rows: 1_000, expectedRows: 1_000, isEstimate: true })
  const { text } = overallOf(judged(reportOf([lagOf('a', { phase: 'loading', loading })])))
  assert.is(text, 'The only service is being loaded, 99.0 % of its rows are there')
})

test('each that is not well has advice, with the command where one helps, the gravest first', () => {
  const advice = adviceFor(troubledReport(), 120)
  assert.equal(
    advice.map(({ about, command, tone }) => [about, tone, command]),
    [
      ['The monolith', 'bad', null],
      ['diagram', 'bad', null],
      ['chat', 'bad', 'scission consume chat'],
      ['sales', 'bad', 'scission parked add sales 0/30'],
      ['search', 'warning', null],
      ['notes', 'parked', 'scission parked list notes'],
    ],
  )
  assert.match(advice[0]?.text ?? '', /gives slot scission_shop up in about 2 min 00 s/)
  assert.match(advice[1]?.text ?? '', /It said 12 s ago: waits for a lock/)
  assert.match(advice[3]?.text ?? '', /stopped at 0\/30: duplicate key .*"Order_pkey"\. Put the row right/)
})

test('a slot that nobody follows, or that is lost or nearly so, is warned of with the way out', () => {
  const of = (slot: Parameters<typeof monolithOf>[0], secondsLeft: number | null = null, epoch = 1) =>
    adviceFor(reportOf([lagOf('a', { epoch })], { monolith: monolithOf(slot) }), secondsLeft).map(
      ({ command, tone }) => [tone, command],
    )
  assert.equal(of({}), [])
  assert.equal(of(null), [['warning', null]])
  assert.equal(of(null, null, 0), [['warning', 'scission publish']])
  assert.equal(of({ isFollowed: false }), [['warning', 'scission publish']])
  assert.equal(of({ walStatus: 'lost' }), [['bad', 'scission publish --new-epoch']])
  assert.equal(of({ safeBytes: 300_000 }), [])
  assert.equal(of({ safeBytes: 200_000 }), [['bad', null]])
  assert.equal(of({ safeBytes: 9_000_000 }, 3_000), [['bad', null]])
  assert.equal(of({ safeBytes: -26_000_000, isFollowed: false }), [['bad', 'scission publish']])
})

test('a slot that keeps more than it may is given up at the next checkpoint, and nothing is below none', () => {
  const monolith = monolithOf({ walStatus: 'unreserved', retainedBytes: 126_000_000, safeBytes: -26_000_000 })
  const report = reportOf([lagOf('a')], { monolith })
  assert.equal(overallOf(judged(report, -15.6)), {
    tone: 'bad',
    text: 'The slot of the monolith is given up at the next checkpoint',
  })
  const texts = [slotText(monolith, -15.6, 'grows'), ...adviceFor(report, -15.6).map(({ text }) => text)]
  for (const text of texts) {
    assert.match(text, /up at the next checkpoint/)
    assert.not.match(text, /-\d/)
  }
})

test('a status is told by one word, falling behind by two', () => {
  assert.equal(
    troubledReport().services.map((lag) => verdictOf(lag).text),
    ['following', 'indexing', 'loading', 'stalled', 'stopped', 'stopped', 'parked', 'falling behind', 'unknown'],
  )
})

test('an age says how far it is known', () => {
  assert.equal(
    [
      exact(0),
      exact(2.34),
      { seconds: 0, bound: 'at least' as const },
      { seconds: 61, bound: 'at least' as const },
      { seconds: 4, bound: 'at most' as const },
    ].map(ageText),
    ['0 s', '2.3 s', 'unknown', 'at least 1 min 01 s', 'at most 4.0 s'],
  )
})

test('what the slot costs is said against its limit, with the time until it is lost', () => {
  assert.match(slotText(null, null, 'none'), /Nothing can be told/)
  assert.match(slotText(monolithOf(null), null, 'none'), /has no slot/)
  assert.match(slotText(monolithOf({ walStatus: 'lost' }), null, 'none'), /is lost/)
  assert.match(slotText(monolithOf(), null, 'none'), /keeps 1\.0 MB of WAL\. Nothing limits that/)
  const limited = monolithOf({ safeBytes: 2_000_000 })
  assert.match(slotText(limited, null, 'none'), /2\.0 MB more, .* does not grow now/)
  assert.match(slotText(limited, null, 'unknown'), /Whether it grows is not known yet/)
  assert.match(slotText(limited, null, 'grows'), /It grows, and how fast is not known yet/)
  assert.match(slotText(limited, 90, 'grows'), /present growth in about 1 min 30 s/)
})

test('a screen reader is told the same as long as the states are the same', () => {
  const isSame = (reports: readonly LagReport[]): boolean =>
    new Set(reports.map((report) => steadyOverallOf(judged(report)))).size === 1
  assert.ok(isSame([0, 1, 2].map((messages) => reportOf([lagOf('a', { messages }), lagOf('b')]))))
  assert.ok(
    isSame([100, 200].map((rows) => reportOf([lagOf('a', { phase: 'loading', loading: loadingOf({ rows }) })]))),
  )
  assert.ok(isSame([40, 41].map((seconds) => lateReportOf({ seconds, bound: 'at most' }))))
  assert.ok(isSame([400, 401].map(lateBy)))
  const stopped = reportOf([lagOf('a', { status: 'stop' }), lagOf('b')])
  assert.is(steadyOverallOf(judged(stopped)), 'One of two is not well: a stopped')
})

test.run()
