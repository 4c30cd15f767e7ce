// deadline: 600 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { until } from './waiting-consumer.ts'
import { type TestService, withSales } from './with-service.ts'

const CUSTOMERS = 10_000
const CRASHES = 15

/** A run takes about as long; the moments of crashes are spread over it, and over its beginning above all. */
const RUN_MS = 400

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const random = seededRandom(seed)

const terminate = (purpose: string): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'scission consume sales ${purpose}%'`

/** What an operator reads of a first session that was cut off while it was opened; every other one is opened anew. */
const CUT_OFF = /cannot be reached: .*terminat/

type Crash = (service: TestService, abort: AbortController) => Promise<unknown>

const CRASHES_BY_NAME: Readonly<Record<string, Crash>> = {
  'the consumer is interrupted': async (_, abort) => abort.abort(),
  'the lease is lost': async ({ sql }) => await sql(terminate('(')),
  'one loader is ended': async ({ sql }) => await sql(terminate('loader 2')),
  'all loaders are ended': async ({ sql }) => await sql(terminate('loader')),
  'all sessions are ended': async ({ sql }) => await sql(terminate('')),
}

/**
 * One run that is disturbed at a random moment: it ends where it was interrupted, and goes on where it lost sessions.
 * @returns the phase that it was in.
 */
async function crash(service: TestService, end: Crash, when: 'from the start' | 'once it has begun'): Promise<string> {
  const { events, sql } = service
  const abort = new AbortController()
  const told = events.length
  const consuming = service.consume({ signal: abort.signal }).then(
    () => undefined,
    (error: unknown) => {
      if (error !== abort.signal.reason && !(error instanceof Failure && CUT_OFF.test(error.message))) throw error
    },
  )
  consuming.catch(() => undefined)
  if (when === 'once it has begun') await Promise.race([consuming, until(async () => events.length > told, 30_000)])
  await sleep((random(1_000) / 1_000) ** 2 * RUN_MS)
  const [phase = ''] = await sql('SELECT phase FROM scission.checkpoint')
  await end(service, abort)
  await consuming
  return phase
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
        phases.add(await crash(service, end, number % 2 === 0 ? 'from the start' : 'once it has begun'))
        const [phase] = await service.sql('SELECT phase FROM scission.checkpoint')
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
