// deadline: 180 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sharedNatsCluster } from '../nats-cluster.ts'
import { withClusteredClub } from './clustered-club.ts'

const withCluster = sharedNatsCluster(2)

test('the node that leads a stream is killed and comes back: publisher and consumers go on by themselves', () =>
  withCluster(async (cluster) => {
    await withClusteredClub(cluster, cluster.nodes, async ({ following, people, through }) => {
      await through(async () => {
        await sleep(300)
        const leader = await cluster.leaderOf(people)
        const others = cluster.nodes.filter((node) => node !== leader)
        await leader.kill()
        await cluster.leaderOf(people, others)
        await sleep(500)
        await leader.start()
        await cluster.untilWhole(people)
      })
      assert.ok((await following.verify()).verified)
    })
  }))

test('the leaders are moved again and again, from the loading on: nothing is lost or doubled', () =>
  withCluster(async (cluster) => {
    await withClusteredClub(cluster, cluster.nodes, async ({ following, people, places, through }) => {
      await through(
        async () => {
          for (let times = 0; times < 6; times += 1)
            await Promise.all([people, places].map(async (stream) => await cluster.moveLeader(stream)))
        },
        { isLoading: true },
      )
      assert.ok((await following.verify()).verified)
    })
  }))

test.run()
