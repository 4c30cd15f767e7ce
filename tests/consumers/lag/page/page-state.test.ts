import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { retryAfterMs } from '../../../../consumers/lag/page/client/backoff.ts'
import { announcementOf, connectionOf, staleText } from '../../../../consumers/lag/page/client/connection-words.ts'
import { eventOf } from '../../../../consumers/lag/page/client/read-event.ts'
import {
  initialState,
  nextState,
  type PageState,
  staleSinceMs,
} from '../../../../consumers/lag/page/client/page-state.ts'
import {
  bytesText,
  counted,
  durationText,
  loadingShareOf,
  numberWord,
  percentText,
  rateText,
  shareOfTable,
} from '../../../../consumers/lag/page/client/quantities.ts'
import { reloadOnce } from '../../../../consumers/lag/page/client/reload.ts'
import { keepToken, takeToken } from '../../../../consumers/lag/page/client/token.ts'
import { readPage } from '../../../../consumers/lag/page/read-page.ts'
import { lagOf } from '../lag-of.ts'
import { lookOf, reportOf } from './looks.ts'

const look = lookOf(reportOf([lagOf('a')]), { atMs: 1_000 })

function lookedAt(nowMs: number): PageState {
  return nextState(initialState(0), { type: 'look', look, nowMs })
}

test('what was seen stays through an outage, and is stale from the moment of the last look', () => {
  const live = lookedAt(10_000)
  assert.is(staleSinceMs(live), null)
  const lost = nextState(live, { type: 'lost', reason: 'gone', retryAtMs: 12_000 })
  assert.equal([lost.look, lost.series, staleSinceMs(lost)], [live.look, live.series, 10_000])
  const again = nextState(lost, { type: 'connecting' })
  assert.is(staleSinceMs(again), 10_000)
  const opened = nextState(again, {
    type: 'history',
    history: { times: [], services: {}, retainedBytes: [] },
    nowMs: 12_500,
  })
  assert.is(opened.connection.kind, 'live')
  assert.is(staleSinceMs(nextState(opened, { type: 'look', look: { ...look, atMs: 9_000 }, nowMs: 13_000 })), null)
})

test('a server that tells nothing more is stale as one that is away', () => {
  const live = lookedAt(10_000)
  assert.is(staleSinceMs(nextState(live, { type: 'tick', nowMs: 14_000 })), null)
  assert.is(staleSinceMs(nextState(live, { type: 'tick', nowMs: 16_000 })), 10_000)
  assert.is(staleSinceMs(nextState(initialState(0), { type: 'tick', nowMs: 99_000 })), null)
})

const announced = (state: PageState): string => announcementOf(state)

test('a server that looks for long is not said to be live, nor to be away', () => {
  const slow = nextState(lookedAt(10_000), { type: 'tick', nowMs: 22_400 })
  assert.equal(connectionOf(slow), { kind: 'looking', text: 'Looking for 12 s …' })
  assert.match(
    staleText(slow) ?? '',
    /^Stale since .*, 12 s ago\. The server is looking, and has told nothing since\.$/,
  )
  assert.match(announced(slow), /^The server is looking, and has told nothing since \d\d:\d\d:\d\d\./)
  // It says the same each second.
  assert.is(announced(nextState(slow, { type: 'tick', nowMs: 90_000 })), announced(slow))
  assert.is(connectionOf(nextState(slow, { type: 'tick', nowMs: 90_000 })).text, 'Looking for 1 min 20 s …')
  const again = nextState(slow, { type: 'look', look: { ...look, atMs: 2_000 }, nowMs: 23_000 })
  assert.equal([connectionOf(again).text, staleText(again)], ['Live', null])
  assert.is(announced(again), 'All services follow.')
})

test('the connection is said with its countdown, and one that is back looks from then on', () => {
  const lost = nextState(lookedAt(10_000), { type: 'lost', reason: 'It is gone.', retryAtMs: 14_500 })
  const at = (nowMs: number): PageState => nextState(lost, { type: 'tick', nowMs })
  assert.is(connectionOf(at(11_000)).text, 'Reconnecting in 4 s')
  assert.is(connectionOf(at(15_000)).text, 'Reconnecting in 0 s')
  assert.match(staleText(at(15_000)) ?? '', /^Stale since .* 5\.0 s ago\. It is gone\.$/)
  assert.match(announced(lost), /The connection is lost/)
  // A page that tries again has not come back.
  assert.match(announced(nextState(lost, { type: 'connecting' })), /The connection is lost/)
  assert.match(announced(nextState(lost, { type: 'locked', isWrong: false })), /token/)
  const history = { times: [], services: {}, retainedBytes: [] }
  const back = nextState(lost, { type: 'history', history, nowMs: 20_000 })
  assert.is(connectionOf(nextState(back, { type: 'tick', nowMs: 22_000 })).text, 'Looking for 2 s …')
  assert.is(announced(initialState(0)), '')
})

test('what cannot be read is told from what is not there, and loads the page anew once', () => {
  assert.is(eventOf({ event: 'look', data: '{"atMs":' }, 1), 'unreadable')
  assert.is(eventOf({ event: 'other', data: '{"atMs":' }, 1), null)
  assert.equal(eventOf({ event: 'look', data: JSON.stringify(look) }, 7), { type: 'look', look, nowMs: 7 })
  const kept = new Map<string, string>()
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  }
  let reloads = 0
  const at = (nowMs: number): boolean => reloadOnce(storage, nowMs, () => (reloads += 1))
  assert.equal([at(1_000), at(2_000), at(50_000), at(100_000), reloads], [true, false, false, true, 2])
})

test('a server that is away is tried again ever more seldom, within five seconds, and not by all at once', () => {
  assert.equal(
    [1, 2, 3, 4, 5, 50].map((failures) => retryAfterMs(failures, 1)),
    [500, 1_000, 2_000, 4_000, 5_000, 5_000],
  )
  assert.equal([retryAfterMs(5, 0), retryAfterMs(1, 0)], [2_500, 250])
})

test('a token is taken from the address once, and removed from there', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  }
  const addresses: string[] = []
  const places = { storage, replaceAddress: (address: string) => void addresses.push(address) }
  const at = (hash: string) => takeToken({ ...places, location: { hash, pathname: '/lag/', search: '?a=1' } })
  assert.is(at(''), null)
  assert.is(at('#token=s3cret%2B'), 's3cret+')
  assert.equal(addresses, ['/lag/?a=1'])
  assert.is(at(''), 's3cret+')
  keepToken(storage, ' other\n')
  assert.is(at(''), 'other')
})

test('quantities are short, and nothing is complete before it is', () => {
  assert.equal([0, 999_999, 1_234, 88_000_000].map(bytesText), ['0 B', '1.0 MB', '1.2 kB', '88 MB'])
  assert.equal(
    [0, 0.01, 0.44, 9.96, 12, 12_345].map((rate) => rateText(rate)),
    ['0/s', '< 0.1/s', '0.4/s', '10/s', '12/s', '12.3K/s'],
  )
  assert.is(rateText(50, 'rows'), '50 rows/s')
  assert.equal([0.44, 9.96, 61, 7_800, 266_400].map(durationText), [
    '0.4 s',
    '10 s',
    '1 min 01 s',
    '2 h 10 min',
    '3 d 02 h',
  ])
  assert.equal([0.99999, 1, 0].map(percentText), ['99.9 %', '100 %', '0.0 %'])
  assert.equal(
    [
      loadingShareOf(5, 10),
      loadingShareOf(10, 10),
      loadingShareOf(12, 10),
      loadingShareOf(0, 0),
      loadingShareOf(5, null),
    ],
    [0.5, 0.99, 0.99, 0, null],
  )
  assert.equal(
    [
      shareOfTable(10, 10, true),
      shareOfTable(12, 10, true),
      shareOfTable(0, 0, false),
      shareOfTable(9_999, 10_000, false),
    ],
    [1, 0.99, 1, 0.99],
  )
  assert.equal(
    [numberWord(0), numberWord(10), numberWord(13), counted(1, 'change'), counted(2, 'change')],
    ['no', 'ten', '13', '1 change', '2 changes'],
  )
})

test('the page is small, and its document holds no script and no style', async () => {
  const { html, script, style } = await readPage()
  assert.ok(script.length < 120_000, `${script.length} bytes of script`)
  assert.ok(style.length > 0 && style.length < 20_000, `${style.length} bytes of style`)
  assert.not.match(html, /<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/)
  assert.not.match(`${script}${style}`, /sourceMappingURL|url\(["']?https?:/)
})

test.run()
