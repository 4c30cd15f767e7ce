import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ageText,
  announcementOf,
  connectionText,
  overallOf,
  slotText,
  verdictOf,
} from '../../../../consumers/lag/page/client/words.ts'
import { adviceOf } from '../../../../consumers/lag/page/client/advice.ts'
import type { Age } from '../../../../infra/following/log-lag.ts'
import { exact, lagOf, loadingOf } from '../lag-of.ts'
import { monolithOf, reportOf, troubledReport } from './looks.ts'

const hopsAt = (age: Age) => ({ toLog: age, toConsumer: age, toDatabase: age })
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
    reportOf([lagOf('a', { hops: hopsAt({ seconds: 0, bound: 'at least' }) })]),
    reportOf([lagOf('a', { hops: hopsAt({ seconds: 40, bound: 'at most' }) })]),
  ].map((report) => overallOf(report).text)
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
    'The only service has what the log has, and nothing tells what is not in it',
    'Nothing is heard of the publisher',
  ])
})

test('of many that are not well the gravest are named, and the others are counted', () => {
  const { text, tone } = overallOf(troubledReport())
  assert.is(text, 'Six of nine are not well: diagram stalled, chat stopped, sales stopped, and three more')
  assert.is(tone, 'bad')
})

test('each that is not well has advice, with the command where one helps, the gravest first', () => {
  const advice = adviceOf(troubledReport(), 120)
  assert.equal(
    advice.map(({ about, command, tone }) => [about, tone, command]),
    [
      ['the monolith', 'bad', null],
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

test('a slot that nobody follows, or that is lost, is warned of with the way out', () => {
  const of = (slot: Parameters<typeof monolithOf>[0]) =>
    adviceOf(reportOf([lagOf('a')], { monolith: monolithOf(slot) }), null).map(({ command, tone }) => [tone, command])
  assert.equal(of({}), [])
  assert.equal(of(null), [])
  assert.equal(of({ isFollowed: false }), [['warning', 'scission publish']])
  assert.equal(of({ walStatus: 'lost' }), [['bad', 'scission publish --new-epoch']])
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
  assert.match(slotText(null, null), /Nothing can be told/)
  assert.match(slotText(monolithOf(null), null), /has no slot/)
  assert.match(slotText(monolithOf({ walStatus: 'lost' }), null), /is lost/)
  assert.match(slotText(monolithOf(), null), /keeps 1\.0 MB of WAL\. Nothing limits that/)
  assert.match(slotText(monolithOf({ safeBytes: 2_000_000 }), null), /2\.0 MB more, .* does not grow now/)
  assert.match(slotText(monolithOf({ safeBytes: 2_000_000 }), 90), /present growth in about 1 min 30 s/)
})

test('the connection is said with its countdown', () => {
  assert.is(connectionText({ kind: 'waiting', retryAtMs: 4_500, reason: '' }, 1_000), 'Reconnecting in 4 s')
  assert.is(connectionText({ kind: 'waiting', retryAtMs: 500, reason: '' }, 1_000), 'Reconnecting in 0 s')
  assert.is(connectionText({ kind: 'live' }, 1_000), 'Live')
})

test('a screen reader is told the same as long as the states are the same', () => {
  const live = { kind: 'live' } as const
  const said = [0, 1, 2].map((messages) =>
    announcementOf(reportOf([lagOf('a', { messages }), lagOf('b')]), live, false),
  )
  assert.equal(new Set(said).size, 1)
  const loading = [100, 200].map((rows) =>
    announcementOf(reportOf([lagOf('a', { phase: 'loading', loading: loadingOf({ rows }) })]), live, false),
  )
  assert.equal(new Set(loading).size, 1)
  const stopped = reportOf([lagOf('a', { status: 'stop' }), lagOf('b')])
  assert.is(announcementOf(stopped, live, false), 'One of two is not well: a stopped.')
  // A page that tries again has not come back.
  assert.match(announcementOf(stopped, { kind: 'connecting' }, true), /not of now/)
  assert.match(announcementOf(stopped, { kind: 'locked', isWrong: false }, true), /token/)
  const silent = [40, 41].map((seconds) => reportOf([lagOf('a', { hops: hopsAt({ seconds, bound: 'at most' }) })]))
  assert.equal(new Set(silent.map((report) => announcementOf(report, live, false))).size, 1)
  assert.is(announcementOf(null, { kind: 'connecting' }, false), '')
})

test.run()
