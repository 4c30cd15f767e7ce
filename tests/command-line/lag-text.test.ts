import picocolors from 'picocolors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { errorSentences, lagTable, rowsText } from '../../infra/command-line/lag-text.ts'
import { slotRoomText } from '../../infra/command-line/slot-room.ts'
import { exact, lagOf, loadingOf } from '../consumers/lag/lag-of.ts'

const LAG = lagOf('notifications', {
  status: 'warning',
  streamSequence: 1_000,
  lastSequence: 3_000,
  messages: 2_000,
  messagesPerSecond: 250,
  bytes: 24_000_000,
  hops: { toLog: exact(0), toConsumer: exact(0), toDatabase: exact(198) },
  secondsLeft: 8,
  loading: loadingOf({ rows: 413_703, expectedRows: 500_000 }),
})
const TITLES = [
  'service',
  'status',
  'phase',
  'rows',
  'position',
  'behind',
  'rate',
  'bytes',
  'to log',
  'read',
  'applied',
  'left',
]
const LEVEL = { ...LAG.hops, toDatabase: { seconds: 0, bound: 'exact' as const } }
const plain = picocolors.createColors(false)

function linesAt(columns: number, lag: ServiceLag = LAG): string[] {
  return lagTable([lag], { columns, colours: plain }).split('\n')
}

test('a table without a terminal has every column', () => {
  const [titles = '', cells = ''] = linesAt(Number.POSITIVE_INFINITY)
  assert.equal(titles.trim().split(/ {2,}/), TITLES)
  assert.match(
    cells,
    /^notifications {2}warning {2}following {2}413,703 of 500,000 {2}0\/16B3748 +2,000 +250\/s +24 MB +3 min 18 s +8\.0 s$/,
  )
})

test('what is known in part is told as such', () => {
  const hops = {
    toLog: { seconds: 0, bound: 'at least' as const },
    toConsumer: { seconds: 5, bound: 'at least' as const },
    toDatabase: { seconds: 7, bound: 'at most' as const },
  }
  assert.match(linesAt(200, { ...LAG, hops })[1] ?? '', / \? +>= 5\.0 s +<= 7\.0 s/)
})

test('the phase is what a service does, and rows are about so many where that is an estimate', () => {
  const loading = {
    ...LAG,
    phase: 'loading' as const,
    status: 'ok' as const,
    loading: { ...LAG.loading, isEstimate: true },
  }
  assert.match(linesAt(200, loading)[1] ?? '', /ok {6}loading {2}413,703 of about 500,000/)
  assert.match(linesAt(200, { ...loading, status: 'stop' })[1] ?? '', /stop {4}stopped/)
  assert.is(rowsText({ rows: 5, expectedRows: 5, isEstimate: false }), '5')
  assert.is(rowsText({ rows: 5, expectedRows: null, isEstimate: false }), '5')
})

test('what a consumer said last of a fault is told with its age', () => {
  const lastError = { text: 'the database refuses connections.', secondsAgo: 12 }
  assert.equal(errorSentences([LAG, { ...LAG, lastError }], 200), [
    'Service notifications said 12.0 s ago: the database refuses connections.',
  ])
})

test('a narrow terminal has those that matter most, and no line is longer than it', () => {
  for (const columns of [100, 80, 60, 50])
    for (const line of linesAt(columns)) assert.ok(line.length <= columns, `${columns}: ${line}`)
  assert.equal(linesAt(60).at(0)?.split(/ +/), ['service', 'status', 'phase', 'behind', 'applied', 'left'])
})

test('what is level has no distance, and what will never be has no time left', () => {
  assert.match(linesAt(200, { ...LAG, messages: 0, bytes: 0, hops: LEVEL, secondsLeft: 0 })[1] ?? '', /0 {2}250\/s$/)
  assert.match(linesAt(200, { ...LAG, secondsLeft: null })[1] ?? '', /3 min 18 s$/)
})

test('colours tell the statuses apart, and only where they are wanted', () => {
  const coloured = lagTable([LAG], { columns: 200, colours: picocolors.createColors(true) })
  assert.match(coloured, '\u001B[33mwarning\u001B[39m')
  assert.not.match(lagTable([LAG], { columns: 200, colours: plain }), '\u001B')
})

test('what a slot may still keep is told, also where that is nothing any more', () => {
  assert.is(slotRoomText(null), 'nothing limits that (max_slot_wal_keep_size)')
  assert.is(slotRoomText(24_000_000), '24 MB more and it is given up')
  assert.is(slotRoomText(-26_000_000), 'it is given up at the next checkpoint')
})

test.run()
