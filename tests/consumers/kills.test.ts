// deadline: 300 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import { LOADING_TRANSACTION_BYTES } from '../../consumers/consume.ts'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { killConsumer } from './kill-consumer.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { withSales } from './with-service.ts'

const CUSTOMERS = 20_000
const KILLS = 8

const SMALL_BYTES = 1024 * 1024

/** A run takes about as long, once it has begun to apply the log. */
const RUN_MS = 600

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const random = seededRandom(seed)

test(`a service whose consumer was killed ${KILLS} times, and begun again at once, holds every row once (seed ${seed})`, async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSales(async (service) => {
      await publishShop(service, monolith)
      for (let number = 0; number < KILLS; number++) {
        // Of the small transactions some are stored; of the large ones each run has one a loader.
        const transactionBytes = number % 2 === 0 ? SMALL_BYTES : LOADING_TRANSACTION_BYTES
        await killConsumer(service, { transactionBytes, loaders: 2 }, async () => await sleep(random(RUN_MS)))
        const [phase] = await service.sql('SELECT phase FROM scission.checkpoint')
        if (phase === 'following') await publishShop(service, monolith, { newEpoch: true })
      }
      await service.consume()
      await assertEqual(service, monolith)
    })
  })
})

test.run()
