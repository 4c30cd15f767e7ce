import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createByteWindow } from '../../infra/byte-window.ts'

/** A property over whatever is asked for and given back, in any order: `release` gives back the oldest that is held. */
const steps = fc.array(
  fc.oneof(fc.record({ acquire: fc.integer({ min: 0, max: 150 }) }), fc.constant({ release: true as const })),
  { maxLength: 60 },
)

test('no more than the limit is ever under way, but for one item alone', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const { admitted } = await run(sequence, (held) => {
        const bytes = held.reduce((sum, item) => sum + item, 0)
        assert.ok(bytes <= 100 || held.filter((item) => item > 0).length === 1, held.join(' + '))
      })
      assert.ok(admitted >= 0)
    }),
  )
})

test('whoever waits is admitted in the order in which he came, and nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const asked = sequence.filter((step) => 'acquire' in step).length
      const { admitted, order } = await run(sequence, () => undefined)
      assert.is(admitted, asked)
      assert.equal(
        order,
        Array.from({ length: asked }, (_, index) => index),
      )
    }),
  )
})

test('what is asked for without waiting does not pass those who wait', async () => {
  const window = createByteWindow(10)
  assert.ok(window.tryAcquire(6))
  const waiting = window.acquire(6)
  assert.not.ok(window.tryAcquire(1), 'someone waits already')
  window.release(6)
  await waiting
  assert.ok(window.tryAcquire(4))
  assert.not.ok(window.tryAcquire(1))
})

test('an item that is larger than the limit goes when nothing else does', async () => {
  const window = createByteWindow(10)
  await window.acquire(1)
  let admitted = false
  const large = window.acquire(1_000).then(() => (admitted = true))
  await Promise.resolve()
  assert.not.ok(admitted)
  window.release(1)
  await large
  assert.not.ok(window.tryAcquire(1))
  window.release(1_000)
  assert.ok(window.tryAcquire(10))
})

type Step = { readonly acquire: number } | { readonly release: true }

/** Takes the steps, and then gives back until nobody waits; `look` sees what is held after each change. */
async function run(
  sequence: readonly Step[],
  look: (held: readonly number[]) => void,
): Promise<{ readonly admitted: number; readonly order: readonly number[] }> {
  const window = createByteWindow(100)
  const held: number[] = []
  const order: number[] = []
  let asked = 0
  const acquire = (bytes: number): void => {
    const place = asked++
    void window.acquire(bytes).then(() => {
      held.push(bytes)
      order.push(place)
      look(held)
    })
  }
  const release = (): void => {
    const bytes = held.shift()
    if (bytes !== undefined) window.release(bytes)
  }
  for (const step of sequence) {
    if ('acquire' in step) acquire(step.acquire)
    else release()
    await settled()
  }
  while (held.length > 0) {
    release()
    await settled()
  }
  return { admitted: order.length, order }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await Promise.resolve()
}

test.run()
