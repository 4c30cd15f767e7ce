// deadline: 420 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Page } from 'playwright-core'
import { createBrowserTests } from '../../../chromium.ts'
import type { RunningCommand } from '../../../command-line/run-command.ts'
import { runSql, type Shop, succeed, withClient, withShop } from '../../../command-line/shop.ts'
import { type RestartableNats, withRestartableNats } from '../../../publisher/restartable-nats.ts'
import { textOf, untilShown, withPage } from './open-page.ts'

const testInBrowser = createBrowserTests()

const TOKEN = 'a-token-of-a-test-0123456789'
const ROWS = 3_000
/** The deadline of this file is the limit. */
const LIMIT_MS = 400_000

/** A shop with a broker of its own, which may die, and what was started in it; all of that is ended in any case. */
async function withSplit(
  use: (shop: Shop, nats: RestartableNats, start: (...args: readonly string[]) => RunningCommand) => Promise<void>,
): Promise<void> {
  await withShop(async (shop) => {
    await withRestartableNats(async (nats) => {
      const started: RunningCommand[] = []
      const environment = { NATS_URL: nats.url, NATS_SYNC_INTERVAL: 'always', SCISSION_TOKEN: TOKEN }
      const start = (...args: readonly string[]): RunningCommand => {
        const command = shop.start(args, environment, { limitMs: LIMIT_MS })
        started.push(command)
        return command
      }
      try {
        await runSql(shop.monolith, [
          `INSERT INTO "Order" SELECT 'n' || number, 'OPEN', 'Fez', '' FROM generate_series(3, ${ROWS}) AS number`,
        ])
        await succeed(shop.run(['prepare', '--yes'], environment))
        await use(shop, nats, start)
      } finally {
        // One that a test has stopped as it was does not end otherwise.
        for (const { kill } of started) kill('SIGKILL')
        await Promise.all(started.map(async ({ ended }) => await ended))
      }
    })
  })
}

/** Where it serves: the one line of its output. */
async function serve(
  start: (...args: readonly string[]) => RunningCommand,
  port = 0,
): Promise<[string, RunningCommand]> {
  const server = start('lag', '--serve', String(port), '--json')
  await server.waitForLines(1)
  const { url } = JSON.parse(server.stdout()) as { url: string }
  return [url.replace(/\/$/, ''), server]
}

async function giveToken(page: Page): Promise<void> {
  await page.getByLabel('Token').fill('not-the-token-of-this-server')
  await page.keyboard.press('Enter')
  await untilShown(page, 'The server does not take this token')
  await page.getByLabel('Token').fill(TOKEN)
  await page.keyboard.press('Enter')
}

const statusOfSales = 'tr.service'

testInBrowser(
  'the page of a real split, from before its load to after an outage of all that may be away',
  async (browser) => {
    await withSplit(async (shop, nats, start) => {
      const [url, first] = await serve(start)
      await withPage(browser, url, { mayFailRequests: true }, async (page) => {
        page.setDefaultTimeout(90_000)
        await giveToken(page)
        await untilShown(page, 'stopped', statusOfSales)
        assert.match(await textOf(page, '.attention'), /is consumed by nobody.*scission consume sales/s)
        await withClient(shop.sales, async (client) => {
          // Nothing can be copied meanwhile: so long the service is loaded.
          await client.query('BEGIN')
          await client.query('LOCK TABLE "Order" IN SHARE MODE')
          start('publish')
          const consume = start('consume', 'sales')
          await untilShown(page, /loading.*0 of (about )?3,000/s, statusOfSales)
          assert.is(await page.locator('tr.service progress').getAttribute('value'), '0')
          await client.query('COMMIT')
          await untilShown(page, 'The only service is level', '.overall')
          await untilShown(page, /following.*3,000/s, statusOfSales)
          await untilShown(page, 'followed', '.flow')
          await page.locator('.attention').waitFor({ state: 'detached' })

          // A consumer that hangs is told from one that has nothing to do.
          process.kill(consume.pid, 'SIGSTOP')
          await runSql(shop.monolith, [`UPDATE "Order" SET note = 'late' WHERE id = '1'`])
          await untilShown(page, 'One of one is not well: sales stalled', '.overall')
          await untilShown(page, /has a consumer that does not move/, '.attention')
          process.kill(consume.pid, 'SIGCONT')
          await untilShown(page, 'The only service is level', '.overall')
        })
        assert.match(await textOf(page, '#lag-summary'), /sales was the furthest behind, by/)

        await nats.stop('SIGKILL')
        await untilShown(page, 'Nothing can be told of any service', '.overall')
        await untilShown(page, /NATS at .* (does|did) not answer/, '.attention')
        await nats.start()
        await untilShown(page, 'The only service is level', '.overall')

        first.kill('SIGTERM')
        await untilShown(page, /Stale since/, '.stale-banner')
        assert.match(await textOf(page, statusOfSales), /following/)
        await serve(start, Number(new URL(url).port))
        await page.locator('.stale-banner').waitFor({ state: 'detached' })
        await untilShown(page, 'Live', '.connection')
        await untilShown(page, 'The only service is level', '.overall')
      })
      await withPage(
        browser,
        `${url}/#token=${TOKEN}`,
        { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
        async (page) => {
          await untilShown(page, 'The only service is level', '.overall')
          assert.is(await page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth'), false)
        },
      )
    })
  },
)

test.run()
