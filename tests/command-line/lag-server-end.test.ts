import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withLagServer } from '../../infra/command-line/serve.ts'
import { openOutput } from '../../infra/command-line/output.ts'
import { readMonolithConfiguration } from '../../infra/configuration/configuration.ts'
import { ask } from '../consumers/lag/serve/with-lag-server.ts'
import { urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { succeed, withShop } from './shop.ts'

/** Long for a busy machine, and short against what a server whose machine is gone would be waited for. */
const LIMIT_MS = 20_000

const ADDRESS = { host: '127.0.0.1', port: 0 }

test('servers whose machines are gone keep no verb from its end, whether it is looked at them or not', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    const natsUrl = String(shop.environment['NATS_URL'])
    const portOf = (url: string): number => Number(new URL(url).port)
    await withTcpProxy(portOf(shop.monolith), async (monolith) => {
      await withTcpProxy(portOf(shop.sales), async (sales) => {
        await withTcpProxy(portOf(natsUrl), async (broker) => {
          const proxies = [monolith, sales, broker]
          const environment = {
            ...shop.environment,
            MONOLITH_DATABASE_URL: urlByWayOf(shop.monolith, monolith),
            SALES_DATABASE_URL: urlByWayOf(shop.sales, sales),
            NATS_URL: urlByWayOf(natsUrl, broker),
          }
          const request = { environment, folder: shop.folder, configFile: null, defaultContracts: '' }
          const configuration = await readMonolithConfiguration(request, 'all')
          const { signal } = new AbortController()
          const context = { output: openOutput(process), signal }
          for (const isLooking of [false, true]) {
            let endedAt = 0
            const serving = { configuration, address: ADDRESS, token: null, verb: 'publish --serve' }
            const failed = withLagServer(context, serving, async ({ url }) => {
              assert.is((await ask(`${url}readyz`)).body, 'Ready.\n')
              for (const proxy of proxies) proxy.hold(true)
              // The next look hangs; whoever asks for it gets none.
              if (isLooking) void ask(`${url}report.json`).catch(() => undefined)
              await delay(1_500)
              endedAt = performance.now()
              throw new Error('The work failed')
            })
            await failed.then(
              () => assert.unreachable(),
              (error: unknown) => assert.match(String(error), 'The work failed'),
            )
            assert.ok(performance.now() - endedAt < LIMIT_MS)
            for (const proxy of proxies) {
              proxy.cut()
              proxy.hold(false)
            }
          }
        })
      })
    })
  }))

test.run()
