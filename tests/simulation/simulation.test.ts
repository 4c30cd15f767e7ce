// deadline: 240 s
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLsn } from '../../contracts/positions.ts'
import { SEED } from '../contracts/wire/holds.ts'
import { seededRandom } from '../hostile/random.ts'
import { simulate, type SimulatedSplit } from './simulate.ts'
import { changeRuns } from './simulated-broker.ts'
import { SET } from './simulated-monolith.ts'

const RUNS = Number(process.env['SIMULATIONS'] ?? 2_000)

/** Each change once, in the monolith's order; what a log that went back in time holds is told by its positions. */
function assertLogs({ streams, monolith }: SimulatedSplit): void {
  for (const { name } of SET.services) {
    const changes = (streams.get(name)?.messages ?? [])
      .flatMap(({ payload }) => changeRuns(payload))
      .flatMap(({ changes: own, lsn }) => own.map(([ordinal]) => ({ lsn: parseLsn(lsn), ordinal })))
    for (const [index, { lsn, ordinal }] of changes.entries()) {
      const before = changes[index - 1]
      const isNext = before?.lsn === lsn ? ordinal === before.ordinal + 1 : ordinal === 0 && (before?.lsn ?? 0n) < lsn
      assert.ok(isNext, `${name}: ${lsn}/${ordinal} comes after ${before?.lsn}/${before?.ordinal}`)
    }
  }
  assert.ok(monolith.transactions.length > 0)
}

test('whatever dies, each service comes to hold what the monolith holds, and each log each change once', async () => {
  const seen = { publishers: 0, powerFailures: 0, consumers: 0 }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
      const split = await simulate(seededRandom(seed))
      for (const { name, entities } of SET.services)
        for (const { name: entity } of entities) {
          const [found, expected] = [split.databases.get(name)?.rows.get(entity), split.monolith.rows.get(entity)]
          assert.equal(
            [...(found ?? [])].toSorted(byKey),
            [...(expected ?? [])].toSorted(byKey),
            `seed ${seed}, ${entity}`,
          )
        }
      assertLogs(split)
      seen.publishers += split.deaths.publisher
      seen.powerFailures += split.deaths.power
      seen.consumers += split.deaths.consumer
    }),
    { numRuns: RUNS, seed: SEED },
  )
  process.stdout.write(`${RUNS} simulations: ${JSON.stringify(seen)}\n`)
  for (const [what, count] of Object.entries(seen)) assert.ok(count > RUNS / 2, `${what} died ${count} times`)
})

function byKey([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1
}

test.run()
