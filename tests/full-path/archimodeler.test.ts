import { test } from 'uvu'
import * as assert from 'uvu/assert'
import set from '../../contracts/archimodeler/contract-set.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { splitAndCompare, withSplit } from './split.ts'

test('ArchiModeler’s monolith becomes ten databases, each equal to its part, with keys, indexes and foreign keys', async () => {
  await withDatabase(async (monolith) => {
    await generateMonolith(monolith, { elements: 300, seed: 1 })
    await withSplit(set, monolith, async (split) => {
      const outcomes = await splitAndCompare(split)
      assert.is(outcomes.length, 10)
      assert.is(
        outcomes.reduce((sum, { tables }) => sum + tables, 0),
        30,
      )
      const again = await split.consume()
      assert.is(
        again.reduce((sum, { loadedRows }) => sum + loadedRows, 0),
        0,
      )
    })
  })
})

test.run()
