import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLookTexts, eventOf, recentHistory } from '../../../../consumers/lag/serve/look-texts.ts'
import { lookOf, REPORT } from './with-lag-server.ts'

const POINT = { appliedSeconds: 1.23456, messages: 7, messagesPerSecond: 0.33333 }

test('the history is of the last ten minutes, in short numbers', () => {
  const history = {
    times: [0, 400_000, 1_000_000],
    services: { sales: [POINT, null, POINT], stock: [null, POINT, null] },
    retainedBytes: [1, null, 3],
    slotSecondsLeft: 5,
  }
  const short = { appliedSeconds: 1.235, messages: 7, messagesPerSecond: 0.333 }
  assert.equal(recentHistory(history, 1_000_000), {
    times: [400_000, 1_000_000],
    services: { sales: [null, short], stock: [short, null] },
    retainedBytes: [null, 3],
  })
  assert.equal(recentHistory(history, 9_000_000), { times: [], services: { sales: [], stock: [] }, retainedBytes: [] })
})

test('a look is made into text once for all who ask, and the next one anew', () => {
  let hidden = 0
  const texts = createLookTexts('shop', (text) => {
    hidden += 1
    return text
  })
  const [first, second] = [lookOf(REPORT, 1), lookOf(REPORT, 2)]
  assert.is(texts.lookEvent(first), texts.lookEvent(first))
  texts.report(first)
  assert.is(hidden, 1)
  assert.is.not(texts.lookEvent(first), texts.lookEvent(second))
  assert.match(texts.report(second), /^\{"atMs":2,/)
})

test('before the first look there is a history, and it is empty', () => {
  const { historyEvent } = createLookTexts('shop', (text) => text)
  assert.is(historyEvent(null).toString(), 'event: history\ndata: {"times":[],"services":{},"retainedBytes":[]}\n\n')
})

test('a line end in a text does not end the event', () => {
  assert.is(
    eventOf('look', { text: 'a\n\nevent: b\r' }).toString(),
    'event: look\ndata: {"text":"a\\n\\nevent: b\\r"}\n\n',
  )
})

test.run()
