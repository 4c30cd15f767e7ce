import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closeAll, writeSmallSnapshot } from './complete-snapshot.ts'
import { SESSIONS, until, withWaitingConsumer } from './waiting-consumer.ts'
import { failureOf, withSales } from './with-service.ts'

test('an interrupted consumer ends within a second and leaves no session behind', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming, abort) => {
      const startedAt = Date.now()
      abort.abort()
      const error = await consuming.catch((thrown: unknown) => thrown)
      assert.is(error, abort.signal.reason)
      assert.ok(Date.now() - startedAt < 1_000, 'It took long')
      await until(async () => (await service.sql(SESSIONS)).length === 0, 1_000)
    })
  })
})

test('a consumer that is interrupted while an index is built ends within a second, and the build with it', async () => {
  await withSales(async (service) => {
    const { log, sql, consume } = service
    await sql(
      `CREATE FUNCTION slow(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(60); RETURN $1; END'`,
      'CREATE INDEX slow_idx ON "Customer" (public.slow(name))',
    )
    await writeSmallSnapshot(log)
    const abort = new AbortController()
    const consuming = consume({ signal: abort.signal })
    consuming.catch(() => undefined)
    const building = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX slow_idx%'`
    await until(async () => (await sql(`${building} AND pid <> pg_backend_pid()`))[0] === '1')
    const startedAt = Date.now()
    abort.abort()
    assert.is(await consuming.catch((thrown: unknown) => thrown), abort.signal.reason)
    assert.ok(Date.now() - startedAt < 1_000, 'It took long')
    await until(async () => (await sql(SESSIONS)).length === 0, 2_000)
    await sql('CREATE OR REPLACE FUNCTION slow(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1$$')
    await consume()
    assert.equal(await sql(`SELECT indexname FROM pg_indexes WHERE indexname = 'slow_idx'`), ['slow_idx'])
  })
})

test('a consumer that was interrupted before it began does nothing', async () => {
  await withSales(async ({ consume, log, sql }) => {
    await writeSmallSnapshot(log)
    const signal = AbortSignal.abort()
    assert.is(await consume({ signal }).catch((thrown: unknown) => thrown), signal.reason)
    assert.equal(await sql('SELECT phase FROM scission.checkpoint'), ['waiting'])
  })
})

test('a consumer that is interrupted at any moment of its beginning ends', async () => {
  await withSales(async ({ consume, sql }) => {
    for (let afterMs = 0; afterMs < 100; afterMs += 4) {
      const abort = new AbortController()
      const consuming = consume({ signal: abort.signal }).catch((thrown: unknown) => thrown)
      await sleep(afterMs)
      abort.abort()
      assert.is(await Promise.race([consuming, sleep(1_000, 'It hangs')]), abort.signal.reason)
    }
    await until(async () => (await sql(SESSIONS)).length === 0, 2_000)
  })
})

test('a run until caught up ends promptly after the manifest', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      await closeAll(service.log, { Customer: [1, 5] })
      const startedAt = Date.now()
      await consuming
      assert.ok(Date.now() - startedAt < 1_000, 'It took long')
    })
  })
})

test('where nothing is published, a run until caught up gives up after the time it was given', async () => {
  await withSales(async ({ consume }) => {
    const startedAt = Date.now()
    const { message, exitCode } = await failureOf(consume({ maxWaitMs: 1_500 }))
    assert.is(exitCode, 5)
    assert.match(message, /^Service sales: the log has no closed snapshot and has not grown for 2 s: run publish/)
    const tookMs = Date.now() - startedAt
    assert.ok(tookMs > 1_500 && tookMs < 4_000, `It took ${tookMs} ms`)
  })
})

test('a run that is not until caught up goes on after the manifest', async () => {
  await withSales(async ({ consume, log, sql }) => {
    await writeSmallSnapshot(log)
    const abort = new AbortController()
    const consuming = consume({ untilCaughtUp: false, maxWaitMs: 0, signal: abort.signal })
    consuming.catch(() => undefined)
    await until(async () => (await sql('SELECT phase FROM scission.checkpoint'))[0] === 'following')
    await writeSmallSnapshot(log, 2, 'second')
    await until(async () => (await sql('SELECT phase, epoch FROM scission.checkpoint'))[0] === 'following|2')
    abort.abort()
    assert.is(await consuming.catch((thrown: unknown) => thrown), abort.signal.reason)
  })
})

test.run()
