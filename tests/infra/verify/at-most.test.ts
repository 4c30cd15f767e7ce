import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { atMost } from '../../../infra/verify/at-most.ts'

test('results keep the order of the items, and no more tasks run than allowed', async () => {
  let [running, most] = [0, 0]
  const results = await atMost(2, [30, 1, 10, 1], async (ms) => {
    most = Math.max(most, ++running)
    await delay(ms)
    running -= 1
    return ms * 2
  })
  assert.equal(results, [60, 2, 20, 2])
  assert.is(most, 2)
})

test('after a failure nothing new begins, and what runs is waited for', async () => {
  const ended: number[] = []
  const all = atMost(2, [1, 20, 1, 1], async (ms) => {
    await delay(ms)
    ended.push(ms)
    if (ms === 1) throw new Error('the first')
  })
  await all.then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'the first'),
  )
  assert.equal(ended, [1, 20])
})

test.run()
