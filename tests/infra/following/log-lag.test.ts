import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLsn } from '../../../contracts/positions.ts'
import { judgeLogLag } from '../../../infra/following/log-lag.ts'
import { parseStanding, type PublisherStanding, standingText } from '../../../infra/following/publisher-standing.ts'

const NOW_MS = 1_764_400_000_000
const standing = (given: Partial<PublisherStanding>): PublisherStanding => ({
  received: parseLsn('0/16B3748'),
  receivedUntilMs: NOW_MS - 1_000,
  unstoredSinceMs: null,
  ...given,
})
const judge = (said: PublisherStanding | null, waitingSinceMs: number | null | 'unknown' = null) =>
  judgeLogLag({ nowMs: NOW_MS, standing: said, waitingSinceMs })

test('a publisher that has all until a moment ago, and stored it, is level', () => {
  assert.equal(judge(standing({})), { seconds: 0, bound: 'exact' })
})

test('what is received and not stored tells how old it is', () => {
  assert.equal(judge(standing({ unstoredSinceMs: NOW_MS - 2_500 })), { seconds: 2.5, bound: 'exact' })
  assert.equal(judge(standing({ receivedUntilMs: NOW_MS - 9_000, unstoredSinceMs: NOW_MS - 9_500 })).seconds, 9.5)
})

test('of a publisher that is not heard of, or does not come after the monolith, only a limit is known', () => {
  assert.equal(judge(standing({ receivedUntilMs: NOW_MS - 40_000 })), { seconds: 40, bound: 'at most' })
  assert.equal(judge(standing({ receivedUntilMs: null })), { seconds: 0, bound: 'at least' })
})

test('where nobody follows the first change that waits tells it, if somebody may look', () => {
  assert.equal(judge(null, NOW_MS - 60_000), { seconds: 60, bound: 'exact' })
  assert.equal(judge(null, null), { seconds: 0, bound: 'exact' })
  assert.equal(judge(null, 'unknown'), { seconds: 0, bound: 'at least' })
})

test('a clock that is a little ahead makes no change younger than none', () => {
  assert.is(judge(standing({ unstoredSinceMs: NOW_MS + 50 })).seconds, 0)
})

test('what a publisher says is read back, and what another says, or something else, is not', () => {
  for (const said of [standing({}), standing({ receivedUntilMs: null }), standing({ unstoredSinceMs: NOW_MS })]) {
    const text = `/* ${standingText('shop', said)} */\n SELECT 1`
    assert.equal(parseStanding('shop', text), said)
    assert.is(parseStanding('sho', text), null)
  }
  assert.is(parseStanding('shop', 'SELECT 1'), null)
  // A server may cut a statement's text after a hundred bytes.
  const longest = standing({ received: parseLsn('FFFFFFFF/FFFFFFFF'), unstoredSinceMs: NOW_MS })
  assert.equal(
    parseStanding('a'.repeat(31), `/* ${standingText('a'.repeat(31), longest)} */ SELECT`.slice(0, 100)),
    longest,
  )
})

test.run()
