import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withEmbeddedNats } from '../../../infra/embedded/nats-server.ts'
import { readMonitor, syncInterval } from '../../../infra/nats/monitor.ts'
import { serverHasRoom } from '../../../infra/preflight/check-broker.ts'
import type { PreflightContext } from '../../../infra/preflight/context.ts'
import type { Deployment } from '../../../infra/preflight/deployment.ts'
import { allFindingsOf, findingsOf, lineOf } from './findings-of.ts'
import { withShop } from './shop.ts'

async function syncFindings(deployment: Deployment, withSlot = true): Promise<string[]> {
  return (await allFindingsOf(deployment, withSlot)).filter((line) => line.includes(' sync-interval, '))
}

test("the broker's sync_interval is read from its monitoring port, else given, else assumed and said", () =>
  withShop(({ deployment }) =>
    withEmbeddedNats({ syncAlways: false }, async ({ url, monitorPort }) => {
      const other = { ...deployment, nats: { ...deployment.nats, url } }
      const natsMonitorUrl = `http://127.0.0.1:${monitorPort}`
      assert.match(
        (await syncFindings(other)).join(),
        /^information sync-interval, NATS: Nothing says how often the broker syncs its disk: its default of 120 s is assumed: .* Set sync_interval: always in its jetstream block, or give NATS_MONITOR_URL or NATS_SYNC_INTERVAL if it is less\.$/,
      )
      assert.match(
        (await syncFindings({ ...other, natsMonitorUrl, natsSyncIntervalMs: 0 })).join(),
        /^information sync-interval, NATS: The broker syncs its disk every 120 s \(sync_interval, by its monitoring port\): .* Set sync_interval: always in its jetstream block\.$/,
      )
      assert.match(
        (await syncFindings({ ...other, natsSyncIntervalMs: 5000 })).join(),
        'every 5 s (NATS_SYNC_INTERVAL)',
      )
      assert.equal(await syncFindings({ ...other, natsSyncIntervalMs: 0 }), [])
      assert.equal(await syncFindings(other, false), [], 'without a slot nothing is confirmed')
    }),
  ))

test('a broker that syncs always says so itself, and how much room it has', () =>
  withEmbeddedNats({}, async ({ monitorPort }) => {
    const monitored = await readMonitor(`http://127.0.0.1:${monitorPort}`)
    assert.equal(monitored, {
      outcome: 'seen',
      facts: { syncIntervalMs: 0, maxStorageBytes: 64 * 1024 ** 3, storageBytes: 0 },
    })
    assert.equal(syncInterval(monitored, 5000), { ms: 0, source: 'monitor' })
  }))

test('a monitoring port that does not answer, or is something else, is said', () =>
  withShop(async ({ deployment }) => {
    const [line] = await findingsOf({ ...deployment, natsMonitorUrl: 'http://127.0.0.1:1' })
    assert.match(
      line ?? '',
      /^error monitor, NATS: The monitoring port 127\.0\.0\.1:1 \(NATS_MONITOR_URL\) cannot be read \(.+\)\. Correct/,
    )
  }))

test('a server without room for the tables is told, which an account without a limit does not show', () => {
  const context = {
    deployment: { replicas: 1, services: [{}] },
    monolith: { catalog: { tables: new Map([['t', { estimatedBytes: 100_000 }]]) } },
    log: { streams: new Map() },
    monitored: { outcome: 'seen', facts: { syncIntervalMs: 0, maxStorageBytes: 150_000, storageBytes: 60_000 } },
  } as unknown as PreflightContext
  assert.match(
    serverHasRoom(context).map(lineOf).join(),
    /^warning server-storage, NATS: The server has room for 90000 bytes \(max_file_store\), and the monolith's tables take about 100000\./,
  )
})

test.run()
