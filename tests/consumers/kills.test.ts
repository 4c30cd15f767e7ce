import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { type TestService, withSales } from './with-service.ts'

const CUSTOMERS = 20_000
const KILLS = 8

/** A run takes about as long, once it has begun to apply the log. */
const RUN_MS = 600

const PROGRAM = new URL('consume-until-killed.ts', import.meta.url).pathname

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const random = seededRandom(seed)

/** Starts a consumer in a process of its own, and kills it some time after it has begun. */
async function kill({ prefix, database, nats }: TestService, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, prefix, database.url, nats.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exited])
  child.stdout.resume()
  await sleep(afterMs)
  child.kill('SIGKILL')
  await exited
}

test(`a service whose consumer was killed ${KILLS} times, and begun again at once, holds every row once (seed ${seed})`, async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSales(async (service) => {
      await publishShop(service, monolith)
      for (let number = 0; number < KILLS; number++) {
        await kill(service, random(RUN_MS))
        const [phase] = await service.sql('SELECT phase FROM scission.checkpoint')
        if (phase === 'following') await publishShop(service, monolith, { newEpoch: true })
      }
      await service.consume()
      await assertEqual(service, monolith)
    })
  })
})

test.run()
