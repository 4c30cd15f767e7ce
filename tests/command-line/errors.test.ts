// deadline: 480 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readErrorsTable, saysSentence } from './errors-table.ts'
import type { CommandResult } from './run-command.ts'
import { SERVE_SCENARIOS } from './scenarios-of-serve.ts'
import { SERVER_SCENARIOS } from './scenarios-of-servers.ts'
import { USAGE_SCENARIOS, type Scenario } from './scenarios-of-usage.ts'

/** Each scenario waits for processes and servers more than it computes. */
const SCENARIOS_AT_ONCE = 3

type Outcome = CommandResult | { readonly thrown: unknown }

async function provoke(scenario: Scenario): Promise<Outcome> {
  try {
    return await scenario()
  } catch (thrown) {
    return { thrown }
  }
}

async function provokeAll(scenarios: readonly (readonly [string, Scenario])[]): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const left = [...scenarios]
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) outcomes.set(next[0], await provoke(next[1]))
  }
  await Promise.all(Array.from({ length: SCENARIOS_AT_ONCE }, work))
  return outcomes
}

const rows = await readErrorsTable()
// Those that wait for servers longest come first.
const scenarios = Object.entries({ ...SERVER_SCENARIOS, ...USAGE_SCENARIOS, ...SERVE_SCENARIOS })
const outcomes = await provokeAll(scenarios)

test('each row of the table has a scenario, and each scenario a row', () => {
  assert.equal(rows.map(({ id }) => id).toSorted(), scenarios.map(([id]) => id).toSorted())
})

for (const { id, sentence, exitCode } of rows)
  test(`${id} is told by its sentence and exit code ${exitCode}`, () => {
    const outcome = outcomes.get(id)
    assert.ok(outcome, 'no scenario')
    if ('thrown' in outcome) throw outcome.thrown
    assert.ok(saysSentence(outcome.stderr, sentence), `expected: ${sentence}\nsaid: ${outcome.stderr}`)
    assert.is(outcome.exitCode, exitCode)
    assert.is(outcome.stdout, '', 'an error is no data')
    assert.not.match(outcome.stderr, / at .*\.ts:/, 'an operator needs no stack')
  })

test('no password is ever shown', () => {
  for (const [id, outcome] of outcomes) assert.not.match(JSON.stringify(outcome), 'hidden-', id)
})

test.run()
