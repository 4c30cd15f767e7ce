// deadline: 1200 s
import { randomInt } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { causeChaos } from './cause-chaos.ts'

/** `.ci/run` takes five. */
const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 1)
const SEED = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31))
const KILLS_A_MINUTE = 20

test('a monolith is split while all that takes part in it dies at random, and psql finds no row lost or doubled', async () => {
  process.stdout.write(`seed ${SEED}; CHAOS_SEED=${SEED} repeats what goes wrong\n`)
  const outcome = await causeChaos({
    seed: SEED,
    elements: 2_000,
    // Other tests want the machine too.
    sessions: 2,
    restMs: 60,
    faultsMs: MINUTES * 60_000,
    leastKills: KILLS_A_MINUTE * MINUTES,
    signal: new AbortController().signal,
    told: (sentence) => void process.stdout.write(`${sentence}\n`),
  })
  const text = JSON.stringify(outcome)
  process.stdout.write(`${text}\n`)
  assert.ok(outcome.isWhole, text)
  assert.ok(outcome.killCount >= KILLS_A_MINUTE * MINUTES, text)
})

test.run()
