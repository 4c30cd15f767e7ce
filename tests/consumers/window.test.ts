import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createByteWindow } from '../../infra/byte-window.ts'
import { announceAll, closeAll, Customer, customers } from './complete-snapshot.ts'
import { shop } from './shop.ts'
import { until } from './waiting-consumer.ts'
import { failureOf, noticesOf, type TestService, withSales } from './with-service.ts'

const WINDOW_BYTES = 300_000
const NOTE = 'x'.repeat(10_000)
const PAGES = 60

/** Pages of 50 kB, six of which fill the window. */
async function writePages({ log }: TestService): Promise<void> {
  await log.begin()
  await announceAll(log)
  for (let page = 0; page < PAGES; page++) await log.page(Customer, customers(page * 5, 5, NOTE), { page })
  await closeAll(log, { Customer: [PAGES, PAGES * 5] })
}

/** All of it can be taken again, so that nothing was kept. */
async function assertEmpty(window: ReturnType<typeof createByteWindow>): Promise<void> {
  // Who has waited and does not any more gives back what it is given.
  await sleep(0)
  assert.ok(window.tryAcquire(WINDOW_BYTES), 'Something was kept')
  window.release(WINDOW_BYTES)
}

test('services that share a window are all loaded, and give everything back', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (first) =>
    withSales(async (second) => {
      await Promise.all([writePages(first), writePages(second)])
      const outcomes = await Promise.all([first.consume({}, shop, window), second.consume({}, shop, window)])
      assert.equal(
        outcomes.map(({ rows }) => rows),
        [PAGES * 5, PAGES * 5],
      )
      await assertEmpty(window)
    }),
  )
})

test('a transaction spans ten times what may be in memory, since its pages are let go as they are copied', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (service) => {
    await writePages(service)
    await service.consume({ loaders: 1 }, shop, window)
    assert.equal(await service.sql('SELECT count(*), count(DISTINCT xmin::text) FROM "Customer"'), [`${PAGES * 5}|1`])
    assert.equal(await service.sql('SELECT count(*), count(DISTINCT xmin::text) FROM scission.ledger'), [`${PAGES}|1`])
    await assertEmpty(window)
  })
})

test('a service whose table takes no row keeps nothing from the others', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (failing) =>
    withSales(async (other) => {
      await Promise.all([writePages(failing), writePages(other)])
      await failing.sql('ALTER TABLE "Customer" ADD CHECK (id < 0)')
      const [failure, outcome] = await Promise.all([
        failureOf(failing.consume({}, shop, window)),
        other.consume({}, shop, window),
      ])
      assert.match(failure.message, /does not take the rows/)
      assert.is(outcome.rows, PAGES * 5)
      await assertEmpty(window)
    }),
  )
})

test('a service that is interrupted while it waits for a window that others fill ends, and takes nothing', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (service) => {
    await writePages(service)
    await window.acquire(WINDOW_BYTES)
    const abort = new AbortController()
    const consuming = service.consume({ signal: abort.signal }, shop, window).catch((error: unknown) => error)
    await sleep(500)
    abort.abort()
    assert.is(await Promise.race([consuming, sleep(1_000)]), abort.signal.reason)
    window.release(WINDOW_BYTES)
    await assertEmpty(window)
  })
})

test('a service that loses a session while it waits for a window gives back what it has, and goes on', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (service) => {
    await writePages(service)
    await window.acquire(WINDOW_BYTES)
    const consuming = service.consume({}, shop, window)
    consuming.catch(() => undefined)
    await sleep(500)
    await service.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'scission consume sales loader 1%'`,
    )
    await until(async () => noticesOf(service).length === 2, 10_000)
    window.release(WINDOW_BYTES)
    assert.is((await consuming).rows, PAGES * 5)
    await assertEmpty(window)
  })
})

test('a page that is larger than the window goes through it alone', async () => {
  const window = createByteWindow(WINDOW_BYTES)
  await withSales(async (service) => {
    const { log, sql } = service
    await log.begin()
    await announceAll(log)
    await log.page(Customer, customers(1, 5, NOTE), { page: 0 })
    await log.page(Customer, customers(6, 1, 'y'.repeat(2 * WINDOW_BYTES)), { page: 1 })
    await log.page(Customer, customers(7, 5, NOTE), { page: 2 })
    await closeAll(log, { Customer: [3, 11] })
    await service.consume({}, shop, window)
    assert.equal(await sql('SELECT max(length(note)) FROM "Customer"'), [String(2 * WINDOW_BYTES)])
    await assertEmpty(window)
  })
})

test('a table that refuses the first row of megabytes that follow ends the consumer with that refusal', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await sql('ALTER TABLE "Customer" ADD CHECK (id > 1)')
    await log.begin()
    await announceAll(log)
    for (let page = 0; page < 40; page++) await log.page(Customer, customers(page * 20, 20, NOTE), { page })
    assert.match((await failureOf(service.consume())).message, /does not take the rows: .* \(page 1\/0\/0\)/)
  })
})

test('a table that is gone is told as such', async () => {
  await withSales(async (service) => {
    await writePages(service)
    await service.sql('DROP TABLE "Account"')
    const { message, exitCode } = await failureOf(service.consume())
    assert.is(exitCode, 4)
    assert.match(message, /refused a statement \(relation "public\.Account" does not exist, SQLSTATE 42P01\)/)
  })
})

test.run()
