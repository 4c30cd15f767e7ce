import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { announceAll, closeAll, Customer, customers, Order, writeSmallSnapshot } from './complete-snapshot.ts'
import { withSales } from './with-service.ts'

const CUSTOMERS = 'SELECT count(*), count(DISTINCT id), min(id), max(id) FROM "Customer"'
const INDEXES = `SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`
const FOREIGN_KEYS = `SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1`
const ALL_INDEXES = [
  'Account_pkey',
  'Customer_name_key',
  'Customer_pkey',
  'Order_customerId_idx',
  'Order_pkey',
  '_Tags_A_B_key',
]

test('a snapshot is loaded, and keys, indexes and foreign keys are built', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await writeSmallSnapshot(log)
    const { loadedRows, rows, epoch, tables } = await consume()
    assert.equal([loadedRows, rows, epoch, tables], [20, 20, 1, 4])
    assert.equal(await sql(CUSTOMERS), ['10|10|1|10'])
    assert.equal(await sql(INDEXES), ALL_INDEXES)
    assert.equal(await sql(FOREIGN_KEYS), ['Order_customerId_fkey', 'Order_previous_fkey'])
    assert.equal(await sql('SELECT phase, stream_sequence, consistency_point FROM scission.checkpoint'), [
      `following|${await log.length()}|0/16B3748`,
    ])
  })
})

test('a service that is caught up is left as it is by the next run', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await writeSmallSnapshot(log)
    await consume()
    const before = await sql('SELECT xmin, ctid FROM "Customer"')
    const { loadedRows, rows } = await consume()
    assert.equal([loadedRows, rows], [0, 20])
    assert.equal(await sql('SELECT xmin, ctid FROM "Customer"'), before)
  })
})

test('a page that comes again is loaded once, also twice in one batch and after a restart', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin()
    await announceAll(log)
    await log.page(Customer, customers(1, 5))
    await log.page(Customer, customers(1, 5))
    await log.page(Customer, customers(6, 5), { page: 1 })
    await consume({ maxWaitMs: 0 }).catch(() => undefined)
    await log.page(Customer, customers(1, 5))
    await log.page(Customer, customers(6, 5), { page: 1 })
    await closeAll(log, { Customer: [2, 10] })
    assert.is((await consume()).loadedRows, 0)
    assert.equal(await sql(CUSTOMERS), ['10|10|1|10'])
  })
})

test('a log that is read again from its beginning changes nothing', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await writeSmallSnapshot(log)
    await consume()
    await sql(`UPDATE scission.checkpoint SET stream_sequence = 0`)
    assert.is((await consume()).loadedRows, 0)
    assert.equal(await sql(CUSTOMERS), ['10|10|1|10'])
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
  })
})

test('a new attempt empties its table, and pages of the attempt before it are void wherever they stand', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin()
    await announceAll(log)
    await log.page(Customer, customers(1, 5))
    await log.page(Order, [[1, 101, null, null]])
    await log.announce(Customer, 2)
    await log.page(Customer, customers(1, 5), { page: 1 })
    await log.page(Customer, customers(101, 3), { attempt: 2 })
    await log.page(Customer, customers(1, 5), { page: 2 })
    await log.manifest([
      { entity: 'Customer', attempt: 2, pages: 1, rows: 3 },
      { entity: 'Order', attempt: 1, pages: 1, rows: 1 },
      { entity: '_Tags', attempt: 1, pages: 0, rows: 0 },
      { entity: 'Account', attempt: 1, pages: 0, rows: 0 },
    ])
    assert.is((await consume()).rows, 4)
    assert.equal(await sql(CUSTOMERS), ['3|3|101|103'])
    assert.equal(await sql('SELECT DISTINCT attempt, entity FROM scission.ledger ORDER BY 2'), [
      '2|Customer',
      '1|Order',
    ])
  })
})

test('an attempt after the manifest loads its table anew, with all its indexes set aside', async () => {
  await withSales(async ({ log, consume, sql, events }) => {
    await writeSmallSnapshot(log)
    await consume()
    await announceAll(log, 2)
    // Two customers of one name, which the unique index would refuse if it was there.
    await log.page(Customer, [...customers(201, 2), [203, 'customer 201', null]], { attempt: 2 })
    const refused = await consume({ maxWaitMs: 0 }).catch((error: unknown) => error)
    assert.match(String(refused), /has no closed snapshot/)
    assert.equal(await sql(INDEXES), [])
    await announceAll(log, 3)
    await log.page(Customer, customers(301, 2), { attempt: 3 })
    await closeAll(log, { Customer: [1, 2] }, 3)
    await consume()
    assert.equal(await sql(CUSTOMERS), ['2|2|301|302'])
    assert.equal(await sql(INDEXES), ALL_INDEXES)
    assert.ok(events.some((event) => event.type === 'object-built' && event.name === 'Customer_name_key'))
  })
})

test('a new epoch reloads everything, and its indexes and foreign keys are there again', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await writeSmallSnapshot(log, 1)
    await consume()
    await writeSmallSnapshot(log, 2, 'of the second epoch')
    const { epoch, loadedRows } = await consume()
    assert.equal([epoch, loadedRows], [2, 20])
    assert.equal(await sql('SELECT note, count(*) FROM "Customer" GROUP BY 1'), ['of the second epoch|10'])
    assert.equal(await sql(INDEXES), ALL_INDEXES)
    assert.equal(await sql('SELECT count(*) FROM scission.set_aside'), ['0'])
    assert.equal(await sql('SELECT DISTINCT epoch FROM scission.ledger'), ['2'])
  })
})

test('a new epoch is read from its beginning, past whatever hindered the one before', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin(1)
    await announceAll(log)
    // Two orders of one number, and a gap: nothing of this can be loaded.
    await log.page(Order, [[1, 1, null, null]], { page: 0 })
    log.number += 1
    await log.page(Order, [[1, 1, null, null]], { page: 1 })
    assert.match(String(await consume().catch((error: unknown) => error)), /gap/)
    await writeSmallSnapshot(log, 2)
    assert.is((await consume()).rows, 20)
    assert.equal(await sql(CUSTOMERS), ['10|10|1|10'])
  })
})

test('rows that break a constraint of the contract are refused, and the next epoch is loaded', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin(1)
    await announceAll(log)
    await log.page(Order, [[1, 77, null, null]])
    await closeAll(log, { Order: [1, 1] })
    for (let run = 0; run < 2; run++)
      assert.match(
        String(await consume().catch((error: unknown) => error)),
        /sales: the loaded rows do not allow the foreign key "Order_customerId_fkey" of Order .*publish --new-epoch/,
      )
    assert.equal(await sql('SELECT phase FROM scission.checkpoint'), ['indexing'])
    await writeSmallSnapshot(log, 2)
    await consume()
    assert.equal(await sql(FOREIGN_KEYS), ['Order_customerId_fkey', 'Order_previous_fkey'])
  })
})

test('rows that break a constraint are overtaken by a later attempt too', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin(1)
    await announceAll(log)
    await log.page(Order, [[1, 77, null, null]])
    await closeAll(log, { Order: [1, 1] })
    assert.match(String(await consume().catch((error: unknown) => error)), /do not allow/)
    await announceAll(log, 2)
    await log.page(Customer, customers(77, 1), { attempt: 2 })
    await log.page(Order, [[1, 77, null, null]], { attempt: 2 })
    await closeAll(log, { Order: [1, 1], Customer: [1, 1] }, 2)
    assert.is((await consume()).rows, 2)
    assert.equal(await sql(FOREIGN_KEYS), ['Order_customerId_fkey', 'Order_previous_fkey'])
  })
})

test('identity and serial columns go on behind the loaded rows', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await sql(
      'ALTER TABLE "Customer" ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 3)',
      'CREATE SEQUENCE orders INCREMENT -1 MINVALUE -100 MAXVALUE 100 START 50 OWNED BY "Order".id',
      `ALTER TABLE "Order" ALTER id SET DEFAULT nextval('orders')`,
      'ALTER TABLE "Account" ALTER id ADD GENERATED ALWAYS AS IDENTITY',
    )
    await writeSmallSnapshot(log)
    await consume()
    const next = await sql(`SELECT nextval('"Customer_id_seq"'), nextval('orders'), nextval('"Account_id_seq"')`)
    assert.equal(next, ['11|0|1'])
  })
})

test.run()
