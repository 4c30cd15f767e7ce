// deadline: 120 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { streamName } from '../../../contracts/subjects.ts'
import { streamConfiguration } from '../../../infra/nats/stream-settings.ts'
import { withNatsCluster } from '../../nats-cluster.ts'
import { findingsOf } from './findings-of.ts'
import { withShop } from './shop.ts'

/** Longer than leaders are elected in, and than one without a majority may take itself for one. */
const LIMIT_MS = 40_000

test('a cluster that lost one of three servers is accepted, and one that lost two is not, with a sentence', () =>
  withNatsCluster(async (cluster) => {
    const [, second, third] = cluster.nodes
    await withShop(async ({ deployment }) => {
      const nats = { ...deployment.nats, url: cluster.url }
      const ofNats = async (): Promise<string[]> =>
        (await findingsOf({ ...deployment, nats, replicas: 3 })).filter((line) => line.startsWith('error'))
      await cluster.ask(
        async (manager) => void (await manager.streams.add(streamConfiguration(deployment.prefix, 'people', 3))),
      )
      await cluster.untilWhole(streamName(deployment.prefix, 'people'))
      assert.equal(await ofNats(), [])
      await second.kill()
      await until(ofNats, (errors) => errors.length === 0)
      await third.kill()
      const errors = await until(ofNats, ({ length }) => length > 0)
      assert.match(
        errors.join('\n'),
        /^error connection, NATS: NATS at 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ \(NATS_URL\) did not answer \(.+\): see that it runs and can be reached/,
      )
    })
  }))

async function until(look: () => Promise<string[]>, isEnough: (found: string[]) => boolean): Promise<string[]> {
  const deadline = Date.now() + LIMIT_MS
  for (;;) {
    const found = await look()
    if (isEnough(found)) return found
    assert.ok(Date.now() < deadline, found.join('\n'))
    await sleep(200)
  }
}

test.run()
