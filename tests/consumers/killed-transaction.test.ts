import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LOADING_TRANSACTION_BYTES } from '../../consumers/consume.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { withDatabase } from '../with-servers.ts'
import { killConsumer } from './kill-consumer.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { until } from './waiting-consumer.ts'
import { withSales } from './with-service.ts'

const CUSTOMERS = 20_000

/** A row that is taken only when nobody holds this lock: a COPY stops in front of it. */
const GATE = `CREATE FUNCTION gate(id integer) RETURNS boolean LANGUAGE plpgsql AS
  'BEGIN IF id = ${CUSTOMERS - 1} THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1, 1); END IF; RETURN true; END'`
const IS_HELD_UP = `SELECT count(*) > 0 FROM pg_locks
  WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

test('of a large transaction that was killed behind nearly all of its rows nothing is there, and then each row once', async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSales(async (service) => {
      const { database, sql } = service
      await publishShop(service, monolith)
      await sql(GATE, 'ALTER TABLE "Customer" ADD CONSTRAINT gate CHECK (public.gate(id))')
      await withSession(database, { purpose: 'test' }, async (client) => {
        await client.query('SELECT pg_advisory_lock(1, 1)')
        await killConsumer(service, LOADING_TRANSACTION_BYTES, async () =>
          until(async () => (await sql(IS_HELD_UP))[0] === 't', 60_000),
        )
      })
      await sql('ALTER TABLE "Customer" DROP CONSTRAINT gate', 'DROP FUNCTION gate')
      assert.equal(await sql(`SELECT count(*) FROM "Customer"`), ['0'])
      assert.ok(Number(await sql(`SELECT pg_relation_size('"Customer"')`)) > 4 * 1024 * 1024, 'Little was copied')
      assert.equal(await sql(`SELECT count(*) FROM scission.ledger WHERE entity = 'Customer'`), ['0'])
      await service.consume()
      await assertEqual(service, monolith)
    })
  })
})

test.run()
