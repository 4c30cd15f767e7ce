import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import picocolors from 'picocolors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLagHistory } from '../../consumers/lag/lag-history.ts'
import type { LagReport } from '../../consumers/lag/lag-report.ts'
import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { widthOf } from '../../infra/command-line/terminal-line.ts'
import { FIRST_CONTROLS } from '../../infra/command-line/watch-keys.ts'
import { watchBounds, watchScreen } from '../../infra/command-line/watch-screen.ts'
import type { Screen, WatchState } from '../../infra/command-line/watch-state.ts'
import { exact, lagOf, loadingOf } from '../consumers/lag/lag-of.ts'

const NOW_MS = Date.parse('2026-01-02T03:04:05Z')
const plain = picocolors.createColors(false)
const colourful = picocolors.createColors(true)

const MONOLITH: LagReport['monolith'] = {
  position: '0/16B3748',
  lag: exact(0),
  nowMs: NOW_MS,
  slot: {
    name: 'scission_shop',
    isFollowed: true,
    confirmed: '0/16B3700',
    behindBytes: 0,
    retainedBytes: 12_000_000,
    safeBytes: 988_000_000,
    walStatus: 'reserved',
  },
}

const LOADING = lagOf('notifications', {
  phase: 'loading',
  position: null,
  messages: 2_000,
  bytes: 24_000_000,
  loading: loadingOf({
    rows: 413_703,
    expectedRows: 500_000,
    isEstimate: true,
    rowsPerSecond: 20_000,
    secondsLeft: 43,
    entities: [
      { entity: 'Notification', rows: 400_000, expectedRows: 400_000 },
      { entity: 'NotificationPreference', rows: 13_703, expectedRows: 100_000 },
    ],
  }),
})
const STOPPED = lagOf('chat', {
  status: 'stop',
  isConsumed: false,
  messages: 31,
  bytes: 4_000,
  hops: { toLog: exact(0), toConsumer: exact(198), toDatabase: exact(198) },
  secondsLeft: null,
  lastError: {
    text: 'The table "Message" did not take a change: “naïve 数据 🚀”\u001B[2J\r\nDETAIL: none.',
    secondsAgo: 200,
  },
  stopped: { position: '0/16B0000', reason: 'null value in column "body"', state: 'stopped' },
})
const PARKED = lagOf('iam', {
  status: 'parked',
  parked: 7,
  parkedChanges: [{ position: '0/16A0000', entity: 'User', changes: 3, reason: 'duplicate key' }],
})
const UNKNOWN = { service: 'settings', status: 'unknown' as const }
const PROBLEM = {
  sentence: 'The database of service settings at 127.0.0.1:5432 refuses connections: start it.',
  exitCode: 4 as const,
}

function lookOf(services: LagReport['services'], given: Partial<LagReport> = {}): LagLook {
  const history = createLagHistory()
  const report = { monolith: MONOLITH, services, problems: [], ...given }
  for (let second = 60; second > 0; second -= 1) history.after(report, NOW_MS - second * 1_000)
  return { atMs: NOW_MS, tookMs: 120, report, history: history.after(report, NOW_MS) }
}

function stateOf(look: LagLook | null, given: Partial<WatchState> = {}): WatchState {
  const services = look?.report.services.map(({ service }) => service) ?? ['iam']
  const times = { lookedAtMs: NOW_MS, nowMs: NOW_MS }
  return { contractSet: 'shop', prefix: 'live', services, look, ...times, controls: FIRST_CONTROLS, ...given }
}

const AT_80: Screen = { columns: 80, rows: 24, colours: plain, isUnicode: true }

function shown(state: WatchState, screen: Partial<Screen> = {}): string[] {
  return watchScreen(state, { ...AT_80, ...screen })
}

const ALL = lookOf([PARKED, LOADING, STOPPED, UNKNOWN, lagOf('modeling')], { problems: [PROBLEM] })

test('whatever is shown fits, at any size, in any locale, with colours and without', () => {
  const ten = Array.from({ length: 10 }, (_, index) => lagOf(`service${index}`))
  const looks = [null, ALL, lookOf(ten), lookOf([LOADING]), lookOf([UNKNOWN], { monolith: null, problems: [PROBLEM] })]
  const screens = fc.record({
    columns: fc.integer({ min: 1, max: 220 }),
    rows: fc.integer({ min: 1, max: 70 }),
    colours: fc.constantFrom(plain, colourful),
    isUnicode: fc.boolean(),
  })
  const controls = fc.record({
    view: fc.constantFrom('services' as const, 'details' as const, 'help' as const),
    behindHelp: fc.constant('services' as const),
    selected: fc.nat(12),
    top: fc.nat(60),
    isPaused: fc.boolean(),
    isEnded: fc.constant(false),
  })
  fc.assert(
    fc.property(fc.constantFrom(...looks), screens, controls, fc.nat(90_000), (look, screen, held, slowMs) => {
      const state = stateOf(look, { controls: held, nowMs: NOW_MS + slowMs })
      const lines = watchScreen(state, screen)
      assert.is(lines.length, Math.min(screen.rows, Math.max(screen.rows, 1)))
      for (const line of lines) {
        const text = stripVTControlCharacters(line)
        assert.ok(widthOf(text) <= screen.columns, `${screen.columns}: ${text}`)
        assert.not.match(text, /[\p{Cc}\p{Cf}]/u)
        if (!screen.isUnicode) assert.match(text, /^[ -~]*$/)
        if (screen.colours === plain) assert.is(line, text)
      }
      const { lastTop, page } = watchBounds(state, screen)
      assert.ok(lastTop >= 0 && page >= 1)
    }),
    { numRuns: 200 },
  )
})

test('a service that is selected is on the screen, however low that is', () => {
  const look = lookOf(
    Array.from({ length: 10 }, (_, index) => lagOf(`service${index}`)),
    { problems: [PROBLEM] },
  )
  for (const columns of [20, 40, 120])
    for (let rows = 5; rows < 30; rows += 1)
      for (let selected = 0; selected < 10; selected += 1) {
        const lines = shown(stateOf(look, { controls: { ...FIRST_CONTROLS, selected } }), { columns, rows })
        assert.ok(
          lines.some((line) => line.startsWith(`> service${selected}`)),
          `${columns}x${rows}: ${lines.join('\n')}`,
        )
      }
})

test('the title says that all is well only where the monolith is followed too', () => {
  const well = [lagOf('iam'), lagOf('chat')]
  assert.match(
    shown(stateOf(lookOf(well)))[0] ?? '',
    /^Scission {2}shop \(live\) {2}03:04:05 UTC {2}all ok {2}looked in 0\.1 s$/,
  )
  const slot = MONOLITH?.slot ?? null
  const titleWith = (monolith: LagReport['monolith']): string => shown(stateOf(lookOf(well, { monolith })))[0] ?? ''
  assert.match(titleWith(null), /monolith unknown/)
  if (MONOLITH === null || slot === null) throw new Error('The fixture has a slot')
  assert.match(titleWith({ ...MONOLITH, slot: null }), /no slot/)
  assert.match(titleWith({ ...MONOLITH, slot: { ...slot, isFollowed: false } }), /no publisher/)
  assert.match(titleWith({ ...MONOLITH, slot: { ...slot, walStatus: 'lost' } }), /slot lost/)
  const givenUp = { ...MONOLITH, slot: { ...slot, walStatus: 'unreserved', safeBytes: -26_000_000 } }
  assert.match(titleWith(givenUp), / slot nearly lost /)
  assert.match(titleWith({ ...MONOLITH, lag: exact(600) }), / log 10 min 00 s late /)
  assert.match(titleWith({ ...MONOLITH, lag: { seconds: 40, bound: 'at most' } }), / publisher silent /)
  assert.match(titleWith({ ...MONOLITH, lag: { seconds: 0, bound: 'at least' } }), / log unknown /)
  assert.match(shown(stateOf(lookOf([...well, STOPPED])))[0] ?? '', / chat stop /)
  // The gravest first.
  const unfollowed = { ...MONOLITH, slot: { ...slot, isFollowed: false } }
  const title = shown(stateOf(lookOf([...well, PARKED, STOPPED], { monolith: unfollowed })), { columns: 120 })[0]
  assert.match(title ?? '', / chat stop, no publisher, iam parked /)
})

test('a look that takes long is said to, and so is a pause', () => {
  assert.match(shown(stateOf(null, { nowMs: NOW_MS + 1_000 }))[0] ?? '', /looking …$/)
  assert.match(shown(stateOf(ALL, { nowMs: NOW_MS + 7_400 }), { columns: 150 })[0] ?? '', /looking … 7 s$/)
  const controls = { ...FIRST_CONTROLS, isPaused: true }
  assert.match(shown(stateOf(lookOf([lagOf('iam')]), { controls }))[0] ?? '', / all ok {2}paused/)
})

test('the monolith is told with what its slot keeps, and how long that lasts', () => {
  const line = shown(stateOf(lookOf([lagOf('iam')])), { columns: 150 }).find((each) => each.startsWith('monolith'))
  assert.is(
    line,
    'monolith 0/16B3748  a publisher follows it  the log has all up to 0/16B3700  log level  keeps 12 MB of WAL, limit 1.0 GB',
  )
  const look = lookOf([lagOf('iam')])
  const near = { ...look, history: { ...look.history, slotSecondsLeft: 600 } }
  assert.match(shown(stateOf(near)).join('\n'), /keeps 12 MB of WAL, limit 1\.0 GB {2}lost in 10 min 00 s/)
})

test('what is not well on the way into the log is told with the way out, and nothing is below none', () => {
  const slot = MONOLITH?.slot ?? null
  if (MONOLITH === null || slot === null) throw new Error('The fixture has a slot')
  const textWith = (monolith: LagReport['monolith'], slotSecondsLeft: number | null = null): string => {
    const look = lookOf([lagOf('iam')], { monolith })
    return shown(stateOf({ ...look, history: { ...look.history, slotSecondsLeft } }), { columns: 160 }).join('\n')
  }
  assert.match(textWith({ ...MONOLITH, lag: exact(600) }), /^The monolith is followed, and what .* is not in the log/m)
  assert.match(
    textWith({ ...MONOLITH, slot: { ...slot, isFollowed: false } }),
    /no publisher, .* Run scission publish\.$/m,
  )
  const retainedBytes = 1_026_000_000
  const text = textWith(
    { ...MONOLITH, slot: { ...slot, walStatus: 'unreserved', retainedBytes, safeBytes: -26_000_000 } },
    -15.6,
  )
  assert.match(text, /keeps 1\.0 GB of WAL, limit 1\.0 GB {2}slot given up at the next checkpoint/)
  assert.not.match(text, /-\d/)
})

test('a wide table has every column, and rows are an estimate where they are', () => {
  const lines = shown(stateOf(lookOf([LOADING, STOPPED])), { columns: 220 })
  const titles = lines.find((line) => line.startsWith('  service')) ?? ''
  assert.equal(titles.trim().split(/ {2,}/), [
    'service',
    'phase',
    'status',
    'loaded',
    'rows',
    'rate',
    'left',
    'behind',
    'bytes',
    'position',
    'to log',
    'read',
    'applied',
    'lag, 1 min',
    'last error',
  ])
  const text = lines.join('\n')
  assert.match(
    text,
    /> notifications {2}loading +ok +████████░░ {2}82% {2}413,703 of about 500,000 +20K\/s +0:43 +2,000 +24 MB/,
  )
  assert.match(text, /chat +stopped +stop .* 3 min 18 s {2}█{10} {2}3 min 20 s ago: The table/)
})

test('what is in the way, parked, or was said last is told in full below the table', () => {
  const text = shown(stateOf(ALL), { rows: 40, columns: 140 }).join('\n')
  assert.match(text, /^The database of service settings at .* refuses connections/m)
  assert.match(text, /^Service chat stopped at 0\/16B0000: null value/m)
  assert.match(text, /^Service chat said 3 min 20 s ago: The table "Message" did not take a change: “naïve/m)
  assert.match(text, /^Service iam has 7 changes parked/m)
  assert.match(shown(stateOf(ALL), { rows: 12 }).join('\n'), /more lines: enlarge the terminal/)
})

test('the details tell the tables, the hops with their bounds, what is parked, and what to do', () => {
  const detailsOf = (selected: number): string =>
    shown(stateOf(ALL, { controls: { ...FIRST_CONTROLS, view: 'details', selected } }), { rows: 50 }).join('\n')
  assert.match(
    detailsOf(0),
    /parked changes\n0\/16A0000 {2}3 changes of User: duplicate key\n4 more changes: see parked list/,
  )
  assert.match(detailsOf(0), /Run scission parked list iam\./)
  assert.match(detailsOf(1), /^NotificationPreference +13,703 of about 100,000 {2}█░{9} {2}13%$/m)
  assert.match(detailsOf(1), /^Notification +400,000 *$/m)
  assert.match(detailsOf(2), /Run\s+scission\s+parked\s+add\s+chat\s+0\/16B0000\..*consumer +nobody holds the lease/s)
  assert.match(detailsOf(2), /log to consumer +3 min 18 s/)
  assert.match(detailsOf(3), /settings {2}unknown.*\nThe database of service settings at/s)
})

test('colours and glyphs are those that a terminal has', () => {
  assert.match(shown(stateOf(ALL), { colours: colourful }).join(''), '\u001B[31m')
  const ascii = shown(stateOf(ALL), { isUnicode: false, columns: 200 }).join('\n')
  assert.match(ascii, /########\.\./)
  assert.match(ascii, /naive|na\?ve/)
})

test.run()
