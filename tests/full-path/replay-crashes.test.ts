// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withConsumedStore } from '../command-line/store.ts'
import { runSql, type Shop, succeed, withClient, withShop } from '../command-line/shop.ts'
import { withDatabase } from '../with-servers.ts'

const ROWS = `SELECT string_agg(concat_ws('|', id, state, city, note), ',' ORDER BY id) AS rows FROM "Order"`
const LEFT = `SELECT string_agg(nspname, ',') AS rows FROM pg_namespace WHERE nspname LIKE 'scission\\_repla%'`

async function textOf(url: string, sql: string): Promise<string> {
  return await withClient(url, async (client) =>
    String((await client.query<{ rows: string | null }>(sql)).rows[0]?.rows),
  )
}

/** A service that has followed changes; `more` makes further ones and brings them into the log. */
async function withFollowed(use: (shop: Shop, more: () => Promise<void>) => Promise<void>): Promise<void> {
  await withShop(async (shop) => {
    let written = 0
    const publish = async (write: () => Promise<void>): Promise<void> => {
      const name = `n${(written += 1)}`
      const publishing = shop.start(['publish', '--until-marker', name], { NATS_SYNC_INTERVAL: 'always' })
      await publishing.waitFor('Follows the monolith from')
      await write()
      await runSql(shop.monolith, [`SELECT pg_logical_emit_message(true, 'scission', '${shop.prefix} marker ${name}')`])
      await succeed(publishing.ended)
    }
    const more = async (): Promise<void> =>
      await publish(async () =>
        runSql(shop.monolith, [
          `INSERT INTO "Order" SELECT written || '-' || n, 'OPEN', 'Fez', repeat('x', n)
             FROM generate_series(1, 40) AS n, (SELECT count(*) AS written FROM "Order") AS counted`,
          `UPDATE "Order" SET note = note || '!', state = 'SHIPPED' WHERE length(note) % 3 = 0`,
          `DELETE FROM "Order" WHERE length(note) % 7 = 0`,
        ]),
      )
    await succeed(shop.run(['prepare', '--yes']))
    await publish(async () => undefined)
    await more()
    await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    await use(shop, more)
  })
}

/** As an operator gives it: a command line is read by whoever lists processes. */
function withoutPassword(given: string): { readonly into: string; readonly password: Record<string, string> } {
  const url = new URL(given)
  const password = { PGPASSWORD: decodeURIComponent(url.password) }
  url.password = ''
  return { into: url.href, password }
}

const POINTS = [
  'replay-begun',
  'consume-attempt-entered',
  'consume-manifest-stored',
  'consume-object-built',
  'replay-loaded',
  'consume-changes-applied',
  'replay-compared',
  'consume-position-advanced:2',
  'replay-caught-up',
  'replay-finished',
  'replay-swapping',
  'replay-swapped',
  'replay-validated',
  'replay-replaced-dropped',
]

test('a replay that dies at any point is ended by the next one, and the service lacks nothing and has nothing twice', () =>
  withFollowed(async (shop, more) => {
    for (const point of POINTS) {
      await more()
      const crashed = await shop.run(['replay', 'sales'], { SCISSION_CRASH_POINT: point })
      const [name, passing = '1'] = point.split(':')
      assert.match(crashed.stderr, `Crash point ${name}, passing ${passing}\n`)
      const isSwapped = ['replay-swapped', 'replay-validated', 'replay-replaced-dropped'].includes(point)
      const again = await succeed(shop.run(['replay', 'sales']))
      assert.match(again.stdout, /^Rebuilt: 1 table of service sales/)
      assert.is(await textOf(shop.sales, ROWS), await textOf(shop.monolith, ROWS), point)
      assert.is(await textOf(shop.sales, LEFT), 'null', point)
      assert.is(again.stderr.includes('going on with the replay'), !isSwapped, again.stderr)
    }
    await more()
    await succeed(shop.run(['consume', 'sales', '--until-caught-up']))
    assert.is(await textOf(shop.sales, ROWS), await textOf(shop.monolith, ROWS))
    assert.is((await shop.run(['verify'])).exitCode, 0)
  }))

const KEYS = `SELECT string_agg(conname || convalidated, ',') AS rows FROM pg_constraint WHERE contype = 'f'`

test('foreign keys that went with a table are there again, also where a replay dies behind making them, or a merge in its midst', () =>
  withConsumedStore(async ({ run, sales, monolith }) => {
    const keys = await textOf(sales, KEYS)
    const rows = `SELECT string_agg(id || city, ',' ORDER BY id) AS rows FROM "Order"`
    for (const end of [['--entity', 'Order'], ['--discard']]) {
      await runSql(sales, ['DROP TABLE "Order" CASCADE'])
      const crashed = await run(['replay', 'sales', '--entity', 'Order'], { SCISSION_CRASH_POINT: 'replay-validated' })
      assert.match(crashed.stderr, 'Crash point replay-validated, passing 1\n')
      await succeed(run(['replay', 'sales', ...end]))
      assert.is(await textOf(sales, KEYS), keys)
      assert.is(await textOf(sales, rows), await textOf(monolith, rows))
    }
    for (const point of ['replay-swapping', 'replay-swapped']) {
      await runSql(sales, [`UPDATE "Order" SET city = 'damaged' WHERE id = 7`])
      const merge = ['replay', 'sales', '--merge', '--overwrite']
      const crashed = await run(merge, { SCISSION_CRASH_POINT: point })
      assert.match(crashed.stderr, `Crash point ${point}, passing 1\n`)
      await succeed(run(merge))
      assert.is(await textOf(sales, rows), await textOf(monolith, rows), point)
      assert.is(await textOf(sales, LEFT), 'null', point)
    }
  }))

test('a rebuilding in another database that dies at any point is ended by the next one, and a consumer goes on there', () =>
  withFollowed(async (shop, more) =>
    withDatabase(async (url) => {
      const { into, password } = withoutPassword(url)
      const rebuild = (point = ''): ReturnType<Shop['run']> =>
        shop.run(['replay', 'sales', '--into', into], { ...password, ...(point && { SCISSION_CRASH_POINT: point }) })
      for (const point of [
        'replay-into-prepared',
        'consume-attempt-entered',
        'replay-into-loaded',
        'consume-changes-stored',
      ]) {
        await more()
        const crashed = await rebuild(point)
        assert.match(crashed.stderr, `Crash point ${point}, passing 1\n`)
        await succeed(rebuild())
        assert.is(await textOf(url, ROWS), await textOf(shop.monolith, ROWS), point)
        await runSql(url, ['DROP SCHEMA scission CASCADE', 'DROP TABLE "Order"', 'DROP TYPE "OrderState"'])
      }
      await succeed(rebuild())
      await more()
      await succeed(shop.run(['consume', 'sales', '--until-caught-up'], { SALES_DATABASE_URL: url }))
      assert.is(await textOf(url, ROWS), await textOf(shop.monolith, ROWS))
    }),
  ))

test.run()
