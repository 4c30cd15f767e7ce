import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { adviceOf } from '../../../consumers/lag/service-advice.ts'
import { verdictOf } from '../../../consumers/lag/verdict.ts'
import { lagOf } from './lag-of.ts'

const UNCONSUMED = { status: 'stop', isConsumed: false } as const

test('a service that is replayed just now is busy, and its consumer is to wait', () => {
  const lag = lagOf('sales', { ...UNCONSUMED, replay: 'running' })
  assert.equal(verdictOf(lag), { tone: 'busy', text: 'replaying' })
  assert.equal(adviceOf(lag), {
    text: 'is being rebuilt by a replay. Start its consumer when that has ended.',
    command: null,
  })
})

test('a replay that was begun and not ended is to go on, or to be removed', () => {
  const stopped = lagOf('sales', { ...UNCONSUMED, replay: 'unfinished' })
  assert.equal(verdictOf(stopped), { tone: 'bad', text: 'stopped' })
  assert.is(adviceOf(stopped)?.command, 'scission replay sales')
  const working = lagOf('sales', { replay: 'unfinished' })
  assert.equal(verdictOf(working), { tone: 'calm', text: 'following' })
  assert.is(adviceOf(working)?.command, 'scission replay sales --discard')
  assert.is(adviceOf(lagOf('sales')), null)
})

test.run()
