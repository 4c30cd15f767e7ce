import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { type TestService, withSales } from './with-service.ts'

const CUSTOMERS = 10_000
const CRASHES = 32

/** A run takes about as long; the moments of crashes are spread over it, and over its beginning above all. */
const RUN_MS = 400

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const random = seededRandom(seed)

const terminate = (purpose: string): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'scission consume sales ${purpose}%'`

/** What an operator reads of a session that was cut off, be it while it was opened. */
const CUT_OFF = /connection to the database of service sales was lost|cannot be reached: .*terminat/

type Crash = (service: TestService, abort: AbortController) => Promise<unknown>

const CRASHES_BY_NAME: Readonly<Record<string, Crash>> = {
  'the consumer is interrupted': async (_, abort) => abort.abort(),
  'the lease is lost': async ({ sql }) => await sql(terminate('(')),
  'one loader is ended': async ({ sql }) => await sql(terminate('loader 2')),
  'all loaders are ended': async ({ sql }) => await sql(terminate('loader')),
  'all sessions are ended': async ({ sql }) => await sql(terminate('')),
}

/** One run that is ended at a random moment. What it says must be for an operator, unless it was just interrupted. */
async function crash(service: TestService, end: Crash): Promise<'ended' | 'caught up'> {
  const abort = new AbortController()
  const consuming = service.consume({ signal: abort.signal }).then(
    () => 'caught up' as const,
    (error: unknown) => {
      if (error !== abort.signal.reason && !(error instanceof Failure && CUT_OFF.test(error.message))) throw error
      return 'ended' as const
    },
  )
  consuming.catch(() => undefined)
  await sleep((random(1_000) / 1_000) ** 2 * RUN_MS)
  await end(service, abort)
  return await consuming
}

test(`a service that was ended ${CRASHES} times at random holds every row once (seed ${seed})`, async () => {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSales(async (service) => {
      await publishShop(service, monolith)
      const crashes = Object.values(CRASHES_BY_NAME)
      const phases = new Set<string>()
      for (let number = 0; number < CRASHES; number++) {
        const end = crashes[number % crashes.length] ?? CRASHES_BY_NAME['the consumer is interrupted']
        if (end === undefined) throw new Error('There is no crash')
        await crash(service, end)
        const [phase = ''] = await service.sql('SELECT phase FROM scission.checkpoint')
        phases.add(phase)
        // Once it is loaded there is nothing left to crash in.
        if (phase !== 'following') continue
        await service.consume()
        await assertEqual(service, monolith)
        await publishShop(service, monolith, { newEpoch: true })
      }
      await service.consume()
      await assertEqual(service, monolith)
      assert.ok(phases.has('loading'))
    })
  })
})

test.run()
