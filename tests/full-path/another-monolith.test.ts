// deadline: 240 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Failure } from '../../contracts/failure.ts'
import { cancel } from '../../infra/cancel/cancel.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { type RestartablePostgres, withRestartablePostgres } from '../restartable-postgres.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { beginAnew, NOTICE_LIMIT_MS } from './changed-log.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilFollowed, withFollowing } from './following.ts'
import { withStandby } from './standby-postgres.ts'

function assertSays({ exitCode, message }: Failure, said: RegExp): void {
  assert.match(message, said)
  assert.is(exitCode, 4)
}

/** A club whose monolith is reached by a name that can be given to another server. */
async function withMovableClub(
  server: RestartablePostgres,
  use: (following: Following, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  await runSql(server.url, CLUB_TABLES)
  await withTcpProxy(
    server.port,
    async (proxy) =>
      await withFollowing(CLUB, urlByWayOf(server.url, proxy), async (following) => await use(following, proxy)),
  )
}

/** The name leads elsewhere from now on, and who had a connection must make another. */
function moveTo(proxy: TcpProxy, port: number): void {
  proxy.lead(port)
  proxy.cut()
}

test('a monolith in whose place another server comes is not followed, and what is said leads out', () =>
  withRestartablePostgres(
    async (first) =>
      await withRestartablePostgres(
        async (second) =>
          await withMovableClub(first, async (following, proxy) => {
            await following.settle()
            await runSql(second.url, [...CLUB_TABLES, 'DELETE FROM "Visit"'])
            const publishing = failureOf(following.follow('never'))
            await untilFollowed(following.published)
            moveTo(proxy, second.port)
            const another =
              /^The log is of another monolith \(system identifier \d+, this one has \d+\): correct MONOLITH_DATABASE_URL or SCISSION_PREFIX, or begin anew with --new-epoch\.$/
            assertSays(await inTime(NOTICE_LIMIT_MS, publishing), another)
            assertSays(await failureOf(following.follow('never')), another)
            // It was meant so.
            const anew = async (): Promise<Failure> => await inTime(NOTICE_LIMIT_MS, failureOf(beginAnew(following)))
            assertSays(await anew(), /^The monolith is not prepared for a slot: run prepare first/)
            await prepare(following, { withSlot: true, dryRun: false })
            assertSays(
              await anew(),
              /^Service \w+: its database holds the rows of another monolith .*; if the monolith was made anew since \(restored, or upgraded by pg_upgrade\), run cancel --with-services, prepare and publish --new-epoch\.$/,
            )
            await cancel(following, { withLog: false, withServices: true, dryRun: false })
            await prepare(following, { withSlot: true, dryRun: false })
            await beginAnew(following)
          }),
      ),
  ))

test('a standby that is promoted is not followed as if it were the former monolith, whose last transactions it does not have', () =>
  withRestartablePostgres(
    async (primary) =>
      await withMovableClub(primary, async (following, proxy) => {
        await following.settle()
        await withStandby(primary, async (standby) => {
          const publishing = failureOf(following.follow('end'))
          await untilFollowed(following.published)
          await runSql(primary.url, [`UPDATE "Person" SET age = 31 WHERE id = ${ID(1)}`])
          await standby.catchUp()
          await standby.disconnect()
          await runSql(primary.url, [
            `INSERT INTO "Visit" VALUES (${ID(2)}, 'Lost')`,
            'DELETE FROM "Card" WHERE id = 7',
          ])
          await following.mark('written')
          await following.withConsumers(async () => await untilApplied(following, 'Lost'))
          moveTo(proxy, standby.port)
          assertSays(
            await inTime(NOTICE_LIMIT_MS, publishing),
            /^The monolith cannot be published: The server is a standby, which takes no writes\. Give the URL of its primary\.$/,
          )
          await primary.stop('immediate')
          await standby.promote()
          const promoted =
            /^The monolith was restored or failed over since epoch 1 began \(timeline 1, now 2\), so that the log may hold what the monolith does not: begin anew with --new-epoch\.$/
          assertSays(await inTime(NOTICE_LIMIT_MS, failureOf(following.follow('never'))), promoted)
          assert.match(await following.assertEqual().then(() => 'equal', String), /Visit|Card/)
          assert.is(await beginAnew(following), 2)
        })
      }),
  ))

/** Returns when the services have the visits to a place, and the card is gone that went with them. */
async function untilApplied({ services }: Following, place: string): Promise<void> {
  const url = services.find(({ service }) => service.name === 'places')?.database.url ?? ''
  await withClient(url, async (client) => {
    await untilTrue(client, `EXISTS (SELECT FROM "Visit" WHERE place = '${place}')`)
  })
  const people = services.find(({ service }) => service.name === 'people')?.database.url ?? ''
  await withClient(people, async (client) => {
    await untilTrue(client, 'NOT EXISTS (SELECT FROM "Card" WHERE id = 7)')
  })
}

test.run()
