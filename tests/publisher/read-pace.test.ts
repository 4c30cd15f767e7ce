import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createReadPace, takeAllowance } from '../../publisher/read-pace.ts'
import { withBank } from './with-bank.ts'

const RATE = 1_000_000

test('what is read is waited for as long as the rate has it take', () => {
  const { left, waitMs } = takeAllowance({ bytes: 0, atMs: 1000 }, RATE, 500_000, 1000)
  assert.equal([left, waitMs], [{ bytes: -500_000, atMs: 1000 }, 500])
})

test('after a pause a quarter of a second may be read at once, and no more', () => {
  assert.is(takeAllowance({ bytes: 0, atMs: 0 }, RATE, 250_000, 60_000).waitMs, 0)
  assert.is(takeAllowance({ bytes: 0, atMs: 0 }, RATE, 350_000, 60_000).waitMs, 100)
})

test('whatever the pieces and the pauses, no more is read than the rate and one burst', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000_000 }), fc.integer({ min: 0, max: 3000 })), {
    minLength: 1,
  })
  fc.assert(
    fc.property(steps, (all) => {
      let [allowance, now, read] = [{ bytes: 0, atMs: 0 }, 0, 0]
      for (const [bytes, pauseMs] of all) {
        const { left, waitMs } = takeAllowance(allowance, RATE, bytes, now)
        allowance = left
        read += bytes
        now += waitMs
        assert.ok(read <= (RATE * now) / 1000 + RATE / 4 + 1, `${read} bytes in ${now} ms`)
        now += pauseMs
      }
    }),
  )
})

test('readers share one pace, and an interruption ends a wait', async () => {
  const pace = createReadPace(100_000)
  const began = performance.now()
  const { signal } = new AbortController()
  await Promise.all([pace(20_000, signal), pace(20_000, signal)])
  assert.ok(performance.now() - began >= 390)
  const stop = new AbortController()
  const waiting = pace(1_000_000_000, stop.signal)
  stop.abort()
  await waiting.then(
    () => assert.unreachable('it must not wait so long'),
    (error: Error) => assert.is(error.name, 'AbortError'),
  )
})

test('a publication with a bound takes the time that its bytes need, digests counted', () =>
  withBank({ rows: 2_000, noteBytes: 100 }, async (bank) => {
    const bytes: number[] = []
    const pace = createReadPace(500_000)
    const began = performance.now()
    await bank.publish({
      readers: 3,
      pace: async (count, signal) => {
        bytes.push(count)
        await pace(count, signal)
      },
    })
    const seconds = (performance.now() - began) / 1000
    const read = bytes.reduce((sum, count) => sum + count, 0)
    assert.ok(read > 100_000, `${read} bytes`)
    assert.ok(seconds >= read / 500_000 - 0.26, `${seconds} s for ${read} bytes`)
  }))

test.run()
