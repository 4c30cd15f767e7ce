import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LOADING_TRANSACTION_BYTES } from '../../consumers/consume.ts'
import { withDatabase } from '../with-servers.ts'
import { withGateInCopy } from './gate.ts'
import { killConsumer } from './kill-consumer.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { withSales } from './with-service.ts'

const CUSTOMERS = 20_000

test('of a large transaction that was killed behind nearly all of its rows nothing is there, and then each row once', async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSales(async (service) => {
      const { sql } = service
      await publishShop(service, monolith)
      await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
        // One loader, since the rows behind a pause in the reading might go to another one, and the first would commit.
        await killConsumer(service, { transactionBytes: LOADING_TRANSACTION_BYTES, loaders: 1 }, gate.reached)
      })
      assert.equal(await sql(`SELECT count(*) FROM "Customer"`), ['0'])
      assert.ok(Number(await sql(`SELECT pg_relation_size('"Customer"')`)) > 4 * 1024 * 1024, 'Little was copied')
      assert.equal(await sql(`SELECT count(*) FROM scission.ledger WHERE entity = 'Customer'`), ['0'])
      await service.consume()
      await assertEqual(service, monolith)
    })
  })
})

test.run()
