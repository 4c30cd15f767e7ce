// deadline: 120 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isKnown, type LagReport } from '../../consumers/lag/lag-report.ts'
import type { ServiceLag } from '../../consumers/lag/service-lag.ts'
import { runSql } from '../consumers/with-service.ts'
import { withClient } from '../command-line/shop.ts'
import { withTcpProxy } from '../tcp-proxy.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { readReport } from './read-report.ts'
import { untilComplete, untilFollowed, withFollowing } from './following.ts'

/** What a report may be off by: consumers and publishers say where they are each second. */
const OFF_SECONDS = 1

function peopleOf({ services }: LagReport): ServiceLag {
  const people = services.filter(isKnown).find(({ service }) => service === 'people')
  if (people === undefined) throw new Error('The club has people')
  return people
}

function assertNear(actual: { readonly seconds: number; readonly bound: string }, expected: number): void {
  assert.is(actual.bound, 'exact')
  assert.ok(Math.abs(actual.seconds - expected) <= OFF_SECONDS, `${actual.seconds} s instead of ${expected} s`)
}

const write = async (url: string, number: number): Promise<number> => {
  await runSql(url, [`UPDATE "Person" SET age = ${number} WHERE id = ${ID(number)}`])
  return performance.now()
}
const secondsSince = (began: number): number => (performance.now() - began) / 1_000

test('each hop tells how old the oldest change is that is not past it, whoever has stopped', () =>
  withDatabase(async (monolith) => {
    await runSql(monolith, CLUB_TABLES)
    await withFollowing(CLUB, monolith, async (club) => {
      const following = club.follow('stopped')
      await untilFollowed(club.published)
      await club.withConsumers(async () => {
        await untilComplete(club)
        await write(monolith, 1)
        await until(async () => peopleOf(await readReport(club)).hops.toDatabase.seconds === 0)
        assertNear(peopleOf(await readReport(club)).hops.toDatabase, 0)
      })
      // Nobody consumes.
      const unapplied = await write(monolith, 2)
      await sleep(2_500)
      const stopped = peopleOf(await readReport(club))
      assert.is(stopped.status, 'stop')
      assertNear(stopped.hops.toLog, 0)
      assertNear(stopped.hops.toConsumer, secondsSince(unapplied))
      assertNear(stopped.hops.toDatabase, secondsSince(unapplied))
      await club.mark('stopped')
      await following
      // Nor does anybody publish.
      await club.catchUp()
      const unpublished = await write(monolith, 3)
      await sleep(2_000)
      const report = await readReport(club)
      assertNear(report.monolith?.lag ?? { seconds: -1, bound: 'unknown' }, secondsSince(unpublished))
      assertNear(peopleOf(report).hops.toDatabase, secondsSince(unpublished))
      // To look takes nothing, and is in nobody's way.
      await club.settle()
      assertNear(peopleOf(await readReport(club)).hops.toDatabase, 0)
    })
  }))

test('each hop is told of a consumer that works and is slow: at its database, and on its way to the log', () =>
  withDatabase(async (monolith) => {
    await runSql(monolith, CLUB_TABLES)
    await withFollowing(CLUB, monolith, async (club) => {
      const following = club.follow('slowed')
      await untilFollowed(club.published)
      const url = new URL(club.nats.url)
      await withTcpProxy(Number(url.port), async (proxy) => {
        url.port = String(proxy.port)
        const hops = async (): Promise<ServiceLag['hops']> => peopleOf(await readReport(club)).hops
        const untilLevel = async (): Promise<void> => await until(async () => (await hops()).toDatabase.seconds === 0)
        await club.withConsumers(
          async () => {
            await untilComplete(club)
            await untilLevel()
            const databaseUrl = club.services.find(({ service }) => service.name === 'people')?.database.url ?? ''
            await withClient(databaseUrl, async (client) => {
              await client.query('BEGIN; LOCK TABLE "Person" IN SHARE MODE')
              const unapplied = await write(monolith, 1)
              await sleep(3_000)
              const atDatabase = await hops()
              assertNear(atDatabase.toLog, 0)
              assertNear(atDatabase.toConsumer, 0)
              assertNear(atDatabase.toDatabase, secondsSince(unapplied))
              await client.query('COMMIT')
            })
            await untilLevel()
            proxy.hold(true)
            const unread = await write(monolith, 2)
            await sleep(2_500)
            const atLog = await hops()
            assertNear(atLog.toLog, 0)
            assertNear(atLog.toConsumer, secondsSince(unread))
            assertNear(atLog.toDatabase, secondsSince(unread))
            proxy.hold(false)
            await untilLevel()
          },
          { ...club.nats, url: url.href },
        )
      })
      await club.mark('slowed')
      await following
    })
  }))

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(100)
}

test.run()
