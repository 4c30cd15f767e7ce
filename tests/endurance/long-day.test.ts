// deadline: 240 s
import { randomInt } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { liveLongDay } from './long-day.ts'

test('hours of bursts, quiet, restarts, cut links and rest leave memory, handles and connections as they were', async () => {
  const outcome = await liveLongDay({
    hours: 3,
    hourMs: 3_000,
    elements: 300,
    seed: randomInt(2 ** 31),
    signal: new AbortController().signal,
    told: () => undefined,
  })
  const text = JSON.stringify(outcome)
  process.stdout.write(`${text}\n`)
  // So few looks show what is left behind each hour, and memory not yet.
  assert.equal(
    outcome.growing.filter((name) => !name.endsWith('Bytes')),
    [],
    text,
  )
  assert.equal([outcome.lost, outcome.doubled, outcome.differing], [0, 0, []], text)
})

test.run()
