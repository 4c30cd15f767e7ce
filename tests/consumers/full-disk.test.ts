// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { RestartablePostgres } from '../restartable-postgres.ts'
import { type SmallDisk, wayToSmallDisk, withSmallDisk } from '../small-disk.ts'
import { withDatabase } from '../with-servers.ts'
import { withGateInIndex } from './gate.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { until } from './waiting-consumer.ts'
import { failureOf, noticesOf, runSql, type TestService, withSalesIn } from './with-service.ts'

const MIB = 1024 * 1024
const CUSTOMERS = 6_000

/** The service's rows are about 6 MiB, and each try that fails may leave as much behind. */
const DISK_BYTES = 128 * MIB

const FULL =
  /^The disk of the database of service sales is full \(.*No space left on device.*\): make room; waiting for it, up to 1 min\.$/
const BACK = 'The database of service sales is back: going on from what is stored.'

const way = await wayToSmallDisk()

/** The service in a database on the small disk, published and not yet loaded. */
async function withSalesOnSmallDisk(
  use: (service: TestService, disk: SmallDisk, monolith: string) => Promise<void>,
): Promise<void> {
  if (way === null) throw new Error('No small file system can be mounted here: run as root, or allow user namespaces')
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withSmallDisk(way, DISK_BYTES, async (server, disk) => {
      await withSalesIn(await createDatabaseOn(server, disk), async (service) => {
        await publishShop(service, monolith)
        await use(service, disk, monolith)
      })
    })
  })
}

async function createDatabaseOn(server: RestartablePostgres, disk: SmallDisk): Promise<string> {
  await runSql(server.url, [
    `CREATE TABLESPACE small LOCATION '${disk.path}'`,
    'CREATE DATABASE sales TABLESPACE small',
  ])
  const url = new URL(server.url)
  url.pathname = '/sales'
  return url.href
}

async function untilFull(service: TestService): Promise<void> {
  await until(async () => noticesOf(service).some((text) => FULL.test(text)), 60_000)
}

/** Where it cannot be had nobody learns more from a failure, unless somebody relies on this to be tested. */
const onSmallDisk = way === null && process.env['CI'] === undefined ? test.skip : test
if (way === null) process.stderr.write('No small file system can be mounted here: a full disk is not tested.\n')

onSmallDisk('a disk that is full while rows are copied is waited for, and each row is there once', async () => {
  await withSalesOnSmallDisk(async (service, disk, monolith) => {
    await disk.fill(2 * MIB)
    const consuming = service.consume({ maxWaitMs: 60_000, transactionBytes: MIB })
    consuming.catch(() => undefined)
    await untilFull(service)
    await sleep(2_000)
    await disk.free()
    await consuming
    await assertEqual(service, monolith)
    const notices = noticesOf(service)
    assert.match(notices[0] ?? '', FULL)
    assert.is(notices.at(-1), BACK)
  })
})

onSmallDisk('a disk that is full while an index is built is waited for', async () => {
  await withSalesOnSmallDisk(async (service, disk, monolith) => {
    await withGateInIndex(service, async (gate) => {
      const consuming = service.consume({ maxWaitMs: 60_000 })
      consuming.catch(() => undefined)
      await gate.reached()
      await disk.fill(0)
      await gate.open()
      await untilFull(service)
      await disk.free()
      await consuming
    })
    await assertEqual(service, monolith)
    assert.is(noticesOf(service).at(-1), BACK)
  })
})

onSmallDisk('a disk that stays full ends the consumer with 5 and its cause, and a later run goes on', async () => {
  await withSalesOnSmallDisk(async (service, disk, monolith) => {
    await disk.fill(2 * MIB)
    const { exitCode, message } = await failureOf(service.consume({ maxWaitMs: 3_000 }))
    assert.is(exitCode, 5)
    assert.match(
      message,
      /^The disk of the database of service sales has been full for 3 s \(.*No space left on device.*\): make room, then run consume again; it goes on from where it was\.$/,
    )
    await disk.free()
    await service.consume()
    await assertEqual(service, monolith)
  })
})

test.run()
