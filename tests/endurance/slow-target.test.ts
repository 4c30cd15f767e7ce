// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { holdSlowTarget } from './slow-target.ts'

test('a database that takes a few rows a second is followed with flat memory, a bounded pull and a true lag, and caught up exactly', async () => {
  const outcome = await holdSlowTarget({
    messages: 20_000,
    rowsPerSecond: 50,
    slowMs: 6_000,
    lookMs: 300,
    signal: new AbortController().signal,
    told: () => undefined,
  })
  const text = JSON.stringify(outcome)
  process.stdout.write(`${text}\n`)
  assert.ok(outcome.isWhole, text)
  assert.ok(outcome.takenSlowly < 20_000, text)
})

test.run()
