import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isDue } from '../../consumers/loading-transaction.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { announceAll, closeAll, Customer, customers, Order } from './complete-snapshot.ts'
import { until } from './waiting-consumer.ts'
import { failureOf, type TestService, withSales } from './with-service.ts'

const NOTE = 'x'.repeat(10_000)
const ROWS = 5

/** Pages of 50 kB: a hundred of them are more than one batch. */
const PAGES = 100

const ALL_ONCE = ['count(*)', 'count(DISTINCT id)', 'min(id)', 'max(id)'].join(', ')

async function writePages({ log }: TestService): Promise<void> {
  await log.begin()
  await announceAll(log)
  for (let page = 0; page < PAGES; page++) await log.page(Customer, customers(page * ROWS, ROWS, NOTE), { page })
}

async function assertEachOnce({ sql, log }: TestService): Promise<void> {
  assert.equal(await sql(`SELECT ${ALL_ONCE} FROM "Customer"`), [
    `${PAGES * ROWS}|${PAGES * ROWS}|0|${PAGES * ROWS - 1}`,
  ])
  assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
}

test('a transaction is due by its bytes, by its pages, or by its age', () => {
  const size = { bytes: 10, pages: 1, isOverdue: false }
  assert.not(isDue(size, 11))
  assert.ok(isDue(size, 10))
  assert.ok(isDue({ ...size, isOverdue: true }, 11))
  assert.ok(isDue({ ...size, pages: 10_000 }, 11))
})

test('several batches are one transaction, and of several sizes as many as are asked for', async () => {
  await withSales(async (service) => {
    await writePages(service)
    await closeAll(service.log, { Customer: [PAGES, PAGES * ROWS] })
    await service.consume({ loaders: 1 })
    await assertEachOnce(service)
    assert.equal(await service.sql('SELECT count(DISTINCT xmin::text) FROM "Customer"'), ['1'])
  })
  await withSales(async (service) => {
    await writePages(service)
    await closeAll(service.log, { Customer: [PAGES, PAGES * ROWS] })
    await service.consume({ loaders: 1, transactionBytes: 1 })
    await assertEachOnce(service)
    assert.equal(await service.sql('SELECT count(DISTINCT xmin::text) FROM "Customer"'), ['2'])
  })
})

test('pages of several tables alternate within one transaction', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await log.begin()
    await announceAll(log)
    for (let page = 0; page < PAGES; page++) {
      await log.page(Customer, customers(page * ROWS, ROWS, NOTE), { page })
      await log.page(Order, [[page, page, null, null]], { page })
    }
    await closeAll(log, { Customer: [PAGES, PAGES * ROWS], Order: [PAGES, PAGES] })
    await service.consume({ loaders: 1 })
    await assertEachOnce(service)
    assert.equal(await sql('SELECT count(*), count(DISTINCT "customerId") FROM "Order"'), [`${PAGES}|${PAGES}`])
  })
})

test('a page that comes again while its transaction is open is loaded once, and both count as applied', async () => {
  await withSales(async (service) => {
    const { log } = service
    await writePages(service)
    for (const page of [0, 50, 0, PAGES - 1]) await log.page(Customer, customers(page * ROWS, ROWS, NOTE), { page })
    await closeAll(log, { Customer: [PAGES, PAGES * ROWS] })
    await service.consume()
    await assertEachOnce(service)
  })
})

test('pages that the ledger has already are passed over, among others that it does not have', async () => {
  await withSales(async (service) => {
    const { log, sql, consume } = service
    await writePages(service)
    await sql(
      `INSERT INTO "Customer" SELECT n, 'customer ' || n, NULL FROM generate_series(0, ${10 * ROWS - 1}) AS n`,
      `INSERT INTO scission.ledger SELECT 1, 'Customer', 1, 0, n, ${ROWS} FROM generate_series(0, 9) AS n`,
    )
    // The tables would be refused or emptied, were the epoch and the attempt not entered already.
    await sql(
      `UPDATE scission.checkpoint SET epoch = 1, epoch_started_at = '2024-01-01T00:00:00.000Z', phase = 'loading'`,
      'UPDATE scission.entity SET epoch = 1, attempt = 1',
    )
    await closeAll(log, { Customer: [PAGES, PAGES * ROWS] })
    assert.is((await consume()).loadedRows, (PAGES - 10) * ROWS)
    await assertEachOnce(service)
  })
})

test('a page that comes in by another way while it is copied undoes its transaction, and each row is there once', async () => {
  await withSales(async (service) => {
    const { database, events, log, sql } = service
    await writePages(service)
    await closeAll(log, { Customer: [PAGES, PAGES * ROWS] })
    await withSession(database, { purpose: 'test' }, async (other) => {
      await other.query('BEGIN')
      await other.query(`INSERT INTO scission.ledger VALUES (1, 'Customer', 1, 0, 7, ${ROWS})`)
      const consuming = service.consume()
      consuming.catch(() => undefined)
      const waiting = `SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO ledger%'`
      await until(async () => Number(await sql(waiting)) > 0, 30_000)
      await other.query(
        `INSERT INTO public."Customer" SELECT n, 'customer ' || n, NULL FROM generate_series(35, 39) AS n`,
      )
      await other.query('COMMIT')
      await consuming
    })
    await assertEachOnce(service)
    assert.ok(events.some((event) => event.type === 'notice' && /by another way/.test(event.text)))
  })
})

test('a row that is refused names its page, in whichever batch of the COPY it came', async () => {
  await withSales(async (service) => {
    await service.sql('ALTER TABLE "Customer" ADD CHECK (id <> 477)')
    await writePages(service)
    const { message } = await failureOf(service.consume({ loaders: 1 }))
    assert.match(message, /does not take the rows: .* \(page 1\/0\/95\)/)
    assert.equal(await service.sql('SELECT count(*) FROM "Customer"'), ['0'])
    assert.equal(await service.sql('SELECT count(*) FROM scission.ledger'), ['0'])
  })
})

test('a transaction that stays small is committed all the same, while the log still comes in', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await log.begin()
    await announceAll(log)
    const abort = new AbortController()
    const consuming = service.consume({ signal: abort.signal }).catch((error: unknown) => error)
    let page = 0
    const loadedWhileWriting = async (): Promise<boolean> => {
      // Never a second without a page, so that the reading is never idle.
      await log.page(Customer, customers(page * ROWS, ROWS, 'y'.repeat(150_000)), { page: page++ })
      return Number(await sql('SELECT count(*) FROM scission.ledger')) > 0
    }
    await until(loadedWhileWriting, 30_000)
    abort.abort()
    assert.is(await consuming, abort.signal.reason)
  })
})

test.run()
