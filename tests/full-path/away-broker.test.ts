// deadline: 120 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startCommand } from '../command-line/run-command.ts'
import { runSql, type Shop, succeed, withClient, withShop } from '../command-line/shop.ts'
import { untilTrue } from '../publisher/with-bank.ts'
import { withRestartableNats } from '../publisher/restartable-nats.ts'

/** Ten minutes by hand: `AWAY_SECONDS=600 node --import tsx tests/full-path/away-broker.test.ts`. */
const AWAY_SECONDS = Number(process.env['AWAY_SECONDS'] ?? 6)
const LIMIT_MS = AWAY_SECONDS * 1_000 + 100_000

/** From the outage on, however long it is: that it is waited for, what was stored after it, and the end. */
const MOST_LINES = 3

const WRITE_PAUSE_MS = 100

async function rowsOf(url: string): Promise<string> {
  const rows = `SELECT count(*) || ' ' || md5(string_agg("Order"::text, ',' ORDER BY id)) AS rows FROM "Order"`
  return await withClient(url, async (client) => String((await client.query<{ rows: string }>(rows)).rows[0]?.rows))
}

async function writeFor({ monolith }: Shop, seconds: number): Promise<void> {
  await withClient(monolith, async (client) => {
    const end = Date.now() + seconds * 1_000
    for (let written = 0; Date.now() < end; written += 1) {
      await client.query(
        `INSERT INTO "Order" VALUES ('${Date.now()}-${written}', 'OPEN', 'Fez', ''); UPDATE "Order" SET note = '${written}' WHERE id = '1'`,
      )
      await sleep(WRITE_PAUSE_MS)
    }
  })
}

test(`a broker that is away for ${AWAY_SECONDS} s, while the monolith is written to, is waited for with few words, and nothing is lost`, () =>
  withRestartableNats(async (nats) =>
    withShop(async (shop) => {
      const environment = { ...shop.environment, NATS_URL: nats.url, NATS_SYNC_INTERVAL: 'always' }
      const own = { NATS_URL: nats.url }
      await succeed(shop.run(['prepare', '--yes'], own))
      const start = (...args: string[]): ReturnType<typeof startCommand> =>
        startCommand(args, { environment, folder: shop.folder, limitMs: LIMIT_MS })
      const publish = start('publish', '--until-marker', 'end')
      const consume = start('consume', 'sales')
      try {
        await Promise.all([publish.waitFor('Follows the monolith from'), consume.waitFor('is complete')])
        await writeFor(shop, 1)
        await nats.stop('SIGTERM')
        await writeFor(shop, AWAY_SECONDS)
        await Promise.all([publish, consume].map(async (command) => await command.waitFor('NATS does not answer')))
        await nats.start()
        await runSql(shop.monolith, [`INSERT INTO "Order" VALUES ('last', 'SHIPPED', NULL, NULL)`])
        await withClient(shop.monolith, async (client) => {
          await client.query(`SELECT pg_logical_emit_message(true, 'scission', '${shop.prefix} marker end')`)
        })
        const published = await succeed(publish.ended)
        await withClient(shop.sales, async (client) => {
          await untilTrue(client, `EXISTS (SELECT FROM "Order" WHERE id = 'last')`, 30_000)
        })
        consume.kill('SIGTERM')
        const consumed = await consume.ended
        assert.is(await rowsOf(shop.sales), await rowsOf(shop.monolith))
        for (const { stderr } of [published, consumed]) {
          assert.is(stderr.split('NATS does not answer: waiting for it, up to 900 s.').length, 2, stderr)
          const lines = stderr.split('\n').filter((line) => line !== '')
          const since = lines.slice(lines.findIndex((line) => line.includes('NATS does not answer')))
          assert.ok(since.length <= MOST_LINES, stderr)
        }
      } finally {
        for (const command of [publish, consume]) command.kill('SIGKILL')
        await Promise.all([publish.ended, consume.ended])
      }
    }),
  ))

test.run()
