// deadline: 300 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../contracts/failure.ts'
import { withEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { seededRandom } from '../hostile/random.ts'
import { withDatabase } from '../with-servers.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { runSql, type TestService, withSalesIn } from './with-service.ts'

const CUSTOMERS = 30_000
const CRASHES = 4

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

/** One of the server's processes: where it is killed, the server gives up its memory and recovers from what is on disk. */
async function expendableProcess(url: string): Promise<number> {
  const [pid] = await runSql(url, ["SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'"])
  return Number(pid)
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
 * Crashes the server after a while, or in the moment in which the first pages are told of as loaded.
 * @returns how many pages were reported as loaded and are not there any more.
 */
async function crashWhileLoading(service: TestService, moment: number | 'first pages'): Promise<number> {
  const { consume, database, events, sql } = service
  const epochAndPages = async (): Promise<string[]> =>
    (await sql('SELECT epoch, (SELECT count(*) FROM scission.ledger) FROM scission.checkpoint')).join().split('|')
  const [epochBefore, pagesBefore] = await epochAndPages()
  const pid = await expendableProcess(database.url)
  events.length = 0
  const crashed = moment === 'first pages' ? crashAtFirstPages(service, pid) : crashAfter(moment, pid)
  // Small transactions, so that many are committed, and none of them is on disk.
  const error = await consume({ transactionBytes: 1024 * 1024 }).catch((failure: unknown) => failure)
  if (error instanceof Error) assert.instance(error, Failure)
  await crashed
  const loaded = events.reduce((sum, event) => sum + (event.type === 'pages-loaded' ? event.pages : 0), 0)
  await untilRecovered(database.url)
  const [epoch, pages] = await epochAndPages()
  return (epoch === epochBefore ? Number(pagesBefore) : 0) + loaded - Number(pages)
}

async function crashAfter(delayMs: number, pid: number): Promise<void> {
  await sleep(delayMs)
  process.kill(pid, 'SIGKILL')
}

/** At once: a moment later the tables might be complete, and their commit would have taken the pages to disk. */
async function crashAtFirstPages({ listeners }: TestService, pid: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const listener = ({ type }: { type: string }): void => {
      if (type !== 'pages-loaded') return
      listeners.delete(listener)
      process.kill(pid, 'SIGKILL')
      resolve()
    }
    listeners.add(listener)
  })
}

test(`a service whose server crashed ${CRASHES} times while it was loaded holds every row once (seed ${seed})`, async () => {
  await withEmbeddedPostgres({ settings: SETTINGS }, async ({ url }) =>
    withDatabase(async (monolith) => {
      await createShopMonolith(monolith, CUSTOMERS)
      await withSalesIn(url, async (service) => {
        await publishShop(service, monolith)
        let lost = 0
        let nothingLoaded = true
        for (let number = 0; number < CRASHES; number++) {
          lost += await crashWhileLoading(service, nothingLoaded && number % 2 === 0 ? 'first pages' : random(RUN_MS))
          nothingLoaded = (await service.sql('SELECT phase FROM scission.checkpoint'))[0] === 'following'
          if (!nothingLoaded) continue
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
