// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sharedNatsCluster } from '../nats-cluster.ts'
import { withClusteredClub } from './clustered-club.ts'
import { readReport } from './read-report.ts'

const withCluster = sharedNatsCluster(2)

test('the node to which all are connected leads, and the network cuts it off: they wait, and go on when it is whole again', () =>
  withCluster(async (cluster) => {
    const [first, ...others] = cluster.nodes
    await withClusteredClub(cluster, [first], async ({ people, places, through, notices }) => {
      await through(async () => {
        for (const stream of [people, places])
          while ((await cluster.leaderOf(stream)) !== first) await cluster.moveLeader(stream)
        await sleep(300)
        first.isolate(true)
        try {
          for (const stream of [people, places]) await cluster.leaderOf(stream, others)
          await untilSaid(notices, WAITS)
        } finally {
          first.isolate(false)
        }
      })
    })
  }))

test('two of three nodes are gone: publisher and consumers wait, and go on when they return', () =>
  withCluster(async (cluster) => {
    const [, second, third] = cluster.nodes
    await withClusteredClub(cluster, cluster.nodes, async ({ following, through, notices }) => {
      await through(async () => {
        await sleep(300)
        await Promise.all([second.kill(), third.kill()])
        await untilSaid(notices, WAITS)
        const { monolith, problems, services } = await readReport(following)
        assert.is(monolith?.slot?.isFollowed, true)
        assert.ok(services.every(({ status }) => status === 'unknown'))
        assert.ok(problems.length > 0 && problems.every(({ isOfBroker }) => isOfBroker), JSON.stringify(problems))
        await Promise.all([second.start(), third.start()])
      })
    })
  }))

const WAITS =
  /^(The leader of stream \w+ hears no majority of its replicas: waiting for them|NATS does not answer: waiting for it), up to 20 s\.$/

async function untilSaid(notices: () => string[], text: RegExp): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!notices().some((notice) => text.test(notice))) {
    assert.ok(Date.now() < deadline, `Nobody said ${text}: ${notices().join('\n')}`)
    await sleep(50)
  }
}

test.run()
