import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { streamName } from '../../contracts/subjects.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { compareByPsql } from '../kills/compare-by-psql.ts'
import type { ClusterNode, NatsCluster } from '../nats-cluster.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilComplete, untilFollowed, withFollowing } from './following.ts'

/** A club that is followed by way of a cluster, each stream held by all of its servers. */
export interface ClusteredClub {
  readonly following: Following
  readonly cluster: NatsCluster
  readonly people: string
  readonly places: string
  /**
   * Publishes, consumes and writes to the monolith while `disturb` lasts, from when all services follow, or while they
   * still load. What comes of it must be whole.
   */
  through(disturb: () => Promise<void>, when?: { readonly isLoading: boolean }): Promise<void>
  /** What the publisher and the consumers said. */
  notices(): string[]
}

/** How long the end may be on its way after a disturbance: a leader is elected, and what nobody answered is given up. */
const END_LIMIT_MS = 60_000

/** Loading lasts for a while so: into a stream with replicas pages go one by one. */
const SMALL_PAGE_BYTES = 16_384

export async function withClusteredClub(
  cluster: NatsCluster,
  by: readonly ClusterNode[],
  use: (club: ClusteredClub) => Promise<void>,
): Promise<void> {
  await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    const manner = { natsUrl: by.map((node) => node.url).join(','), replicas: cluster.nodes.length }
    await withFollowing(CLUB, url, async (following) => await use(clubOf(following, cluster, url)), manner)
  })
}

function clubOf(following: Following, cluster: NatsCluster, url: string): ClusteredClub {
  const [people, places] = [streamName(following.prefix, 'people'), streamName(following.prefix, 'places')]
  return {
    following,
    cluster,
    people,
    places,
    through: async (disturb, { isLoading } = { isLoading: false }) => {
      const published = following.follow('end', isLoading ? { pageBytes: SMALL_PAGE_BYTES } : {})
      await following.withConsumers(async () => {
        await untilFollowed(following.published)
        if (!isLoading) await untilComplete(following)
        await whileWriting(url, disturb)
        await following.mark('end')
        await inTime(published)
      })
      await following.catchUp()
      await assertWhole(following)
    },
    notices: () =>
      [...following.published, ...following.consumed].flatMap((event) => (event.type === 'notice' ? [event.text] : [])),
  }
}

async function inTime<Result>(published: Promise<Result>): Promise<Result> {
  const late = sleep(END_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error('The publisher has not come to the end')
  })
  return await Promise.race([published, late])
}

/** Small transactions, some of which concern both services. */
async function whileWriting(url: string, action: () => Promise<void>): Promise<void> {
  const ending = new AbortController()
  const writing = withClient(url, async (client) => {
    for (let number = 1; !ending.signal.aborted; number += 1) {
      const person = ID((number % 190) + 1)
      await client.query(
        `UPDATE "Person" SET age = ${number} WHERE id = ${person};
         INSERT INTO "Card" VALUES (${10_000 + number}, ${person}, 'n');
         INSERT INTO "Visit" VALUES (${ID(number)}, 'p${number}')`,
      )
      if (number % 5 === 0) await client.query(`DELETE FROM "Card" WHERE id = ${10_000 + number - 3}`)
      await sleep(10)
    }
  })
  try {
    await Promise.race([action(), writing])
  } finally {
    ending.abort()
    await writing
  }
}

/** By psql alone. */
async function assertWhole({ monolith, services }: Following): Promise<void> {
  const urls = new Map(services.map(({ service, database }) => [service.name, database.url]))
  const found = await compareByPsql(CLUB, monolith.url, (service) => urls.get(service) ?? '')
  const { lost, doubled, differing } = found
  assert.equal({ lost, doubled, differing }, { lost: 0, doubled: 0, differing: [] })
}
