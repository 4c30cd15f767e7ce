import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LagReport } from '../../../consumers/lag/lag-report.ts'
import { createLagWatch, type LagLook } from '../../../consumers/lag/lag-watch.ts'

const REPORT: LagReport = { monolith: null, services: [], problems: [] }
/** A look takes a while, and the next one is not due the later for it. */
const LOOK_MS = 150

function watchOf(read: (looks: number) => LagReport) {
  let looks = 0
  const failures: unknown[] = []
  const watch = createLagWatch(
    async () => {
      looks += 1
      await delay(LOOK_MS)
      return read(looks)
    },
    (error) => failures.push(error),
  )
  return { watch, failures, looks: () => looks }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const sinceMs = Date.now(); !isSo(); await delay(20))
    if (Date.now() - sinceMs > 20_000) throw new Error('It never came to be so')
}

test('who watches is told of each look once, and who asks meanwhile makes none', async () => {
  const { looks, watch } = watchOf(() => REPORT)
  const told: LagLook[] = []
  const rest = watch.subscribe((look) => told.push(look))
  for (; told.length < 3; await delay(20)) await watch.look()
  assert.is(new Set(told).size, told.length)
  assert.ok(looks() <= told.length + 1, `${looks()} looks for ${told.length} that were told`)
  const begun = told.map(({ atMs, tookMs }) => atMs - tookMs)
  for (const [index, at] of begun.slice(1).entries()) assert.ok(at - (begun[index] ?? 0) >= 900, `at ${begun.join()}`)
  rest()
  await watch.close()
})

test('all who ask at once share a look', async () => {
  const { looks, watch } = watchOf(() => REPORT)
  const asked = await Promise.all(Array.from({ length: 20 }, async () => await watch.look()))
  assert.equal([looks(), new Set(asked).size], [1, 1])
  await watch.close()
})

test('after a look that failed there is another', async () => {
  const { failures, watch } = watchOf((looks) => {
    if (looks === 1) throw new TypeError('not today')
    return REPORT
  })
  const told: LagLook[] = []
  watch.subscribe((look) => told.push(look))
  await until(() => told.length > 0)
  assert.equal(failures.map(String), ['TypeError: not today'])
  await watch.close()
})

test('nobody looks when nobody watches any more', async () => {
  const { looks, watch } = watchOf(() => REPORT)
  const rest = watch.subscribe(() => undefined)
  await until(() => watch.latest() !== null)
  rest()
  const before = looks()
  await delay(1_500)
  assert.is(looks(), before)
  await watch.close()
})

test.run()
