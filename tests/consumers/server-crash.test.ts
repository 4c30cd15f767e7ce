// deadline: 300 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { withEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { until } from './waiting-consumer.ts'
import { runSql, type TestService, withSalesIn } from './with-service.ts'

const CUSTOMERS = 30_000
const CRASHES = 6

/** A run takes about as long. */
const RUN_MS = 700

/**
 * What was committed asynchronously stays in memory until somebody else's commit takes it along: a crash takes as much as
 * it ever can. The server begins again by itself.
 */
const SETTINGS = {
  wal_writer_delay: '10s',
  wal_writer_flush_after: '2GB',
  wal_buffers: '128MB',
  bgwriter_delay: '10s',
  checkpoint_timeout: '1h',
  restart_after_crash: 'on',
}

const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const random = seededRandom(seed)

/** Kills one of the server's processes, at which it gives up its shared memory and recovers from what is on disk. */
async function crashServer(url: string): Promise<void> {
  const [pid] = await runSql(url, ["SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'"])
  process.kill(Number(pid), 'SIGKILL')
}

async function untilRecovered(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await runSql(url, ['SELECT 1']).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await sleep(50)
  }
  throw new Error('The server did not come back')
}

/**
 * Crashes the server after a while, or as soon as the first pages are loaded.
 * @returns how many pages were reported as loaded and are not there any more.
 */
async function crashWhileLoading(service: TestService, moment: number | 'first pages'): Promise<number> {
  const { consume, database, events, sql } = service
  const epochAndPages = async (): Promise<string[]> =>
    (await sql('SELECT epoch, (SELECT count(*) FROM scission.ledger) FROM scission.checkpoint')).join().split('|')
  const [epochBefore, pagesBefore] = await epochAndPages()
  events.length = 0
  // Small ones, so that many are committed, and none of them is on disk.
  const consuming = consume({ transactionBytes: 1024 * 1024 }).catch((error: unknown) => error)
  if (moment === 'first pages') await until(async () => events.some(({ type }) => type === 'pages-loaded'))
  else await sleep(moment)
  await crashServer(database.url)
  const error = await consuming
  if (error instanceof Error) assert.instance(error, Failure)
  const loaded = events.reduce((sum, event) => sum + (event.type === 'pages-loaded' ? event.pages : 0), 0)
  await untilRecovered(database.url)
  const [epoch, pages] = await epochAndPages()
  return (epoch === epochBefore ? Number(pagesBefore) : 0) + loaded - Number(pages)
}

test(`a service whose server crashed ${CRASHES} times while it was loaded holds every row once (seed ${seed})`, async () => {
  await withEmbeddedPostgres({ settings: SETTINGS }, async ({ url }) =>
    withDatabase(async (monolith) => {
      await createShopMonolith(monolith, CUSTOMERS)
      await withSalesIn(url, async (service) => {
        await publishShop(service, monolith)
        let lost = 0
        for (let number = 0; number < CRASHES; number++) {
          lost += await crashWhileLoading(service, number === 0 ? 'first pages' : random(RUN_MS))
          if ((await service.sql('SELECT phase FROM scission.checkpoint'))[0] !== 'following') continue
          await assertEqual(service, monolith)
          await publishShop(service, monolith, { newEpoch: true })
        }
        await service.consume()
        await assertEqual(service, monolith)
        assert.ok(lost > 0, 'Nothing was lost, so that nothing was proved')
      })
    }),
  )
})

test.run()
