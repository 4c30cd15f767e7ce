import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { markAsLoader } from '../../consumers/lease.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { closeAll, writeSmallSnapshot } from './complete-snapshot.ts'
import { SESSIONS, until, withWaitingConsumer } from './waiting-consumer.ts'
import { failureOf, withSales } from './with-service.ts'

test('a second consumer is refused with the name of the first, which goes on', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      const { message, exitCode } = await failureOf(service.consume())
      assert.is(exitCode, 4)
      assert.match(
        message,
        /^Another consumer of service sales is running \(scission consume sales \(.*\), PostgreSQL process \d+/,
      )
      await closeAll(service.log, { Customer: [1, 5] })
      await consuming
    })
  })
})

test('a consumer that loses its lease stops with a sentence, its loaders too', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      const startedAt = Date.now()
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'scission consume sales (%'`,
      )
      const { message, exitCode } = await failureOf(consuming)
      assert.ok(Date.now() - startedAt < 1_000, 'It took long')
      assert.is(exitCode, 1)
      assert.match(message, /^The connection to the database of service sales was lost \(terminating connection/)
      assert.match(message, /run consume again/)
      await until(async () => (await service.sql(SESSIONS)).length === 0, 1_000)
    })
  })
})

test('a consumer whose loader dies stops with a sentence, and the next one goes on', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'scission consume sales loader 2 %'`,
      )
      assert.match((await failureOf(consuming)).message, /^The connection to the database of service sales was lost/)
      await closeAll(service.log, { Customer: [1, 5] })
      await service.consume()
    })
  })
})

test('a loader that outlives its lease keeps the next consumer out, which names it', async () => {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await withSession(service.database, { purpose: 'consume sales loader 7' }, async (loader) => {
      await markAsLoader(loader)
      const { message, exitCode } = await failureOf(service.consume())
      assert.is(exitCode, 4)
      assert.match(
        message,
        /has lost its lease still has a session \(scission consume sales loader 7 .*PostgreSQL process/,
      )
      // One that ends in the meantime is waited for.
      const consuming = service.consume()
      await sleep(500)
      await loader.end()
      assert.is((await consuming).loadedRows, 20)
    })
  })
})

test.run()
