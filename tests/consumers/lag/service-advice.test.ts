import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { adviceOf } from '../../../consumers/lag/service-advice.ts'
import { lagOf } from './lag-of.ts'

const stopped = { position: '0/30', reason: 'null value in column "body"', state: 'stopped' as const }

test('a service that stopped at a transaction is not led into the same again', () => {
  const advice = adviceOf(lagOf('chat', { status: 'stop', stopped }))
  assert.is(advice?.command, 'scission parked add chat 0/30')
  assert.match(advice?.text ?? '', /^stopped at 0\/30: null value in column "body"\. Put the row right/)
})

test('one whose transaction is chosen to be set aside is consumed again', () => {
  const advice = adviceOf(lagOf('chat', { status: 'stop', stopped: { ...stopped, state: 'chosen' } }))
  assert.is(advice?.command, 'scission consume chat')
  assert.match(advice?.text ?? '', /chosen to be set aside/)
})

test('one that was never consumed needs a consumer, and no search for why one ended', () => {
  const never = adviceOf(lagOf('chat', { status: 'stop', epoch: 0, phase: 'waiting' }))
  assert.equal(never, { text: 'is consumed by nobody yet. Start a consumer.', command: 'scission consume chat' })
  assert.match(adviceOf(lagOf('chat', { status: 'stop' }))?.text ?? '', /See why its consumer ended/)
})

test('what is well needs nothing, and what moves slowly or not at all no command', () => {
  assert.is(adviceOf(lagOf('chat')), null)
  assert.equal(
    (['warning', 'stall'] as const).map((status) => adviceOf(lagOf('chat', { status }))?.command),
    [null, null],
  )
  assert.match(adviceOf(lagOf('chat', { status: 'parked', parked: 1_234 }))?.text ?? '', /has 1,234 changes set aside/)
})

test.run()
