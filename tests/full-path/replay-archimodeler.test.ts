// deadline: 240 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import set from '../../contracts/archimodeler/contract-set.ts'
import { simulateApplication } from '../../infra/demo/application.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { withFollowing } from './following.ts'
import { replay } from './replaying.ts'

const TRANSACTIONS = 200
const SEED = 7

/** Writes as the demonstration's application does, so many transactions or a few more. */
async function writeToAll(monolith: string): Promise<void> {
  const enough = new AbortController()
  const work = {
    refused: 0,
    written: 0,
    get transactions(): number {
      return this.written
    },
    set transactions(written: number) {
      this.written = written
      if (written >= TRANSACTIONS) enough.abort()
    },
  }
  await simulateApplication(monolith, SEED, enough.signal, work)
}

test('each of ArchiModeler’s ten services, replayed twice after changes of every kind, is equal to its part of the monolith', () =>
  withDatabase(async (monolith) => {
    await generateMonolith(monolith, { elements: 100, seed: SEED })
    await withFollowing(set, monolith, async (following) => {
      await following.settle()
      await writeToAll(monolith)
      await following.settle()
      for (let times = 0; times < 2; times += 1) {
        for (const { service } of following.services) {
          const { ending, tables } = await replay(following, service.name)
          assert.is(ending, 'swapped')
          assert.is(tables.filter(({ equal }) => equal).length, service.entities.length, service.name)
        }
        await following.assertEqual()
      }
      await writeToAll(monolith)
      await following.settle()
    })
  }))

test.run()
