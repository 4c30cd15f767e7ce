import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { elementScenario } from './element-scenario.ts'
import { REPLAY_RESULTS, replayMarkdown } from './replay-report.ts'
import type { ReplayPair, ReplayRun } from './replay-run.ts'
import { type ReplaySummary, summariseReplays } from './replay-summary.ts'
import { placeResults } from './report.ts'

const run = (seconds: number, loaded: number, peakBytes: number): ReplayRun => ({
  seconds,
  steps: { loaded, swapped: 0.1 },
  usage: { replay: { cpuSeconds: seconds / 2, peakBytes }, postgres: { cpuSeconds: seconds, peakBytes: 1 } },
})

/** The machine was busy in the second pair: both sides took twice as long. */
const PAIRS: readonly ReplayPair[] = [
  { swapped: run(4, 2, 150), into: run(3, 2, 140), restore: { seconds: 4, usage: {} } },
  { swapped: run(8, 4, 160), into: run(6, 4, 130), restore: { seconds: 8, usage: {} } },
]

function summary(pairs: readonly ReplayPair[]): ReplaySummary {
  const scenario = elementScenario(50)
  const [service] = scenario.set.services
  assert.ok(service)
  return summariseReplays({ scenario, service }, 2, pairs)
}

test('a replay is judged by pairs, as a whole and for its loading alone', () => {
  const { into, restore, swapped } = summary(PAIRS)
  assert.equal([swapped.ratio, swapped.loadingRatio, into.ratio], [1, 0.5, 0.75])
  assert.equal([swapped.seconds, into.seconds, restore.seconds], [6, 4.5, 6])
  assert.equal([swapped.steps['loaded'], swapped.steps['swapped']], [3, 0.1])
  assert.equal([swapped.peakBytes, into.peakBytes, swapped.cpuSeconds['replay']], [160, 140, 3])
})

test('memory that was not watched is not told', () => {
  const unwatched = PAIRS.map((pair) => ({ ...pair, swapped: { ...pair.swapped, usage: {} } }))
  assert.is(summary(unwatched).swapped.peakBytes, null)
})

test('results stand where the page has its place for replays, and each step has a line', () => {
  const machine = {
    processor: 'a processor',
    cores: 2,
    memoryBytes: 1,
    system: 'linux',
    syncMs: 1,
    startSeconds: 1,
    versions: {},
  }
  const page = replayMarkdown(machine, [summary(PAIRS)], new Date(0))
  assert.match(page, /\| replay --loaders 2, swapped in +\| 2 +\| 6\.00/)
  assert.match(page, /\| loaded +\| 3\.00 +\| 3\.00/)
  const { begin, end } = REPLAY_RESULTS
  assert.is(placeResults(`a ${begin} old ${end} b`, page, REPLAY_RESULTS), `a ${begin}\n\n${page}\n\n${end} b`)
})

test.run()
