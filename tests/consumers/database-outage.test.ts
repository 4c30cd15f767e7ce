// deadline: 420 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type RestartablePostgres, withRestartablePostgres } from '../restartable-postgres.ts'
import { withDatabase } from '../with-servers.ts'
import { announceAll, writeSmallSnapshot } from './complete-snapshot.ts'
import { withGateInCopy, withGateInIndex } from './gate.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { until } from './waiting-consumer.ts'
import { failureOf, noticesOf, runSql, type TestService, withSalesIn } from './with-service.ts'

const CUSTOMERS = 6_000

let databases = 0

/** The service in a database of its own on a server that the test stops and starts. */
async function withSalesOn<Result>(
  server: RestartablePostgres,
  use: (service: TestService) => Promise<Result>,
): Promise<Result> {
  const name = `sales_${(databases += 1)}`
  await runSql(server.url, [`CREATE DATABASE ${name}`])
  const url = new URL(server.url)
  url.pathname = `/${name}`
  return await withSalesIn(url.href, use)
}

/** Whatever its sessions lost, it was said once that the database was away, and once that it is back. */
function assertOneOutage(service: TestService): void {
  const [away, back, ...more] = noticesOf(service)
  assert.match(away ?? '', /^The database of service sales is away \(.*\): waiting for it, up to 1 min\.$/)
  assert.is(back, 'The database of service sales is back: going on from what is stored.')
  assert.equal(more, [])
}

const MINUTE = { maxWaitMs: 60_000 }
const STOPS = ['fast', 'immediate', 'killed'] as const

test('a database that is stopped in the midst of a COPY, in any way, is waited for, and each row is there once', async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withRestartablePostgres(async (server) => {
      for (const how of STOPS)
        await withSalesOn(server, async (service) => {
          await publishShop(service, monolith)
          await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
            const consuming = service.consume({ ...MINUTE, transactionBytes: 1024 * 1024 })
            consuming.catch(() => undefined)
            await gate.reached()
            await server.stop(how)
            await sleep(1_500)
            await server.start()
            await consuming
          })
          await assertEqual(service, monolith)
          assertOneOutage(service)
        })
    })
  })
})

test('a database that is stopped before anything is published, or while an index is built, is waited for', async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withRestartablePostgres(async (server) => {
      await withSalesOn(server, async (service) => {
        const consuming = service.consume(MINUTE)
        consuming.catch(() => undefined)
        await until(async () => service.events.some(({ type }) => type === 'phase-entered'), 30_000)
        await server.stop('fast')
        await sleep(1_000)
        await server.start()
        await publishShop(service, monolith)
        await consuming
        await assertEqual(service, monolith)
        assertOneOutage(service)
      })
      await withSalesOn(server, async (service) => {
        await publishShop(service, monolith)
        await withGateInIndex(service, async (gate) => {
          const consuming = service.consume(MINUTE)
          consuming.catch(() => undefined)
          await gate.reached()
          await server.stop('immediate')
          await server.start()
          await consuming
        })
        await assertEqual(service, monolith)
        assertOneOutage(service)
      })
    })
  })
})

test('a database that stays away ends the consumer with 5, the others go on meanwhile, and a later run goes on', async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withRestartablePostgres(async (server) => {
      await withSalesOn(server, async (service) => {
        await publishShop(service, monolith)
        await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
          const consuming = service.consume({ maxWaitMs: 4_000 })
          consuming.catch(() => undefined)
          await gate.reached()
          await server.stop('fast')
          const stoppedAt = Date.now()
          await withDatabase(async (url) =>
            withSalesIn(url, async (other) => {
              await writeSmallSnapshot(other.log)
              assert.is((await other.consume()).rows, 20)
            }),
          )
          const { exitCode, message } = await failureOf(consuming)
          assert.is(exitCode, 5)
          assert.match(
            message,
            /^The database of service sales has been away for 4 s \(.*\): see that its server runs and can be reached, then run consume again; it goes on from where it was\.$/,
          )
          assert.ok(Date.now() - stoppedAt < 30_000, 'It took long')
          await server.start()
        })
        await service.consume()
        await assertEqual(service, monolith)
      })
    })
  })
})

test('a consumer that is interrupted while its database is away ends at once', async () => {
  await withRestartablePostgres(async (server) => {
    await withSalesOn(server, async (service) => {
      await service.log.begin()
      await announceAll(service.log)
      const abort = new AbortController()
      const consuming = service.consume({ ...MINUTE, signal: abort.signal }).catch((error: unknown) => error)
      await until(async () => service.events.some(({ type }) => type === 'phase-entered'), 30_000)
      await server.stop('fast')
      await until(async () => noticesOf(service).length === 1, 30_000)
      const startedAt = Date.now()
      abort.abort()
      assert.is(await consuming, abort.signal.reason)
      assert.ok(Date.now() - startedAt < 1_000, 'It took long')
      await server.start()
    })
  })
})

test.run()
