// deadline: 300 s
import { readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Shop, succeed, withClient, withShop } from '../command-line/shop.ts'

const SYNCED = { NATS_SYNC_INTERVAL: 'always' }
const ROWS = `SELECT string_agg(concat_ws('|', id, state, city, note), ',' ORDER BY id) AS rows FROM "Order"`

async function rowsOf(url: string): Promise<string> {
  return await withClient(url, async (client) => String((await client.query<{ rows: string }>(ROWS)).rows[0]?.rows))
}

/** Small transactions, one after the other: each commit's end may be the next one's beginning. */
async function write(shop: Shop, from: number, to: number): Promise<void> {
  await withClient(shop.monolith, async (client) => {
    for (let number = from; number <= to; number += 1) {
      await client.query(`INSERT INTO "Order" VALUES ('n${number}', 'OPEN', 'Fez', 'first')`)
      await client.query(
        `UPDATE "Order" SET note = note || ${number} WHERE id IN ('n${number}', 'n${number - 1}', '1')`,
      )
      if (number % 3 === 0) await client.query(`DELETE FROM "Order" WHERE id = 'n${number - 2}'`)
    }
  })
}

async function mark(shop: Shop, name: string): Promise<void> {
  await withClient(shop.monolith, async (client) => {
    await client.query(`SELECT pg_logical_emit_message(true, 'scission', $1)`, [`${shop.prefix} marker ${name}`])
  })
}

/** What the next runs make of what a crash left: all that was written, and nothing twice. */
async function assertGoesOn(shop: Shop): Promise<void> {
  await write(shop, 10_000, 10_010)
  await mark(shop, 'end')
  await succeed(shop.run(['publish', '--until-marker', 'end'], SYNCED))
  await succeed(shop.run(['consume', '--all', '--until-caught-up']))
  assert.is(await rowsOf(shop.sales), await rowsOf(shop.monolith))
  assert.is((await shop.run(['verify'])).exitCode, 0)
}

function assertCrashed(point: string, { stderr }: { readonly stderr: string }): void {
  const [name, passing = '1'] = point.split(':')
  assert.match(stderr, `Crash point ${name}, passing ${passing}\n`)
}

const PUBLISH_POINTS = [
  'publish-changes-stored',
  'publish-changes-stored:7',
  'publish-guard-written',
  'publish-slot-confirmed',
  'publish-slot-confirmed:2',
]
const CONSUME_POINTS = ['consume-changes-applied', 'consume-position-advanced', 'consume-changes-stored']

for (const point of PUBLISH_POINTS)
  test(`a publisher that dies at ${point} loses nothing and doubles nothing`, () =>
    withShop(async (shop) => {
      await succeed(shop.run(['prepare', '--yes']))
      await succeed(shop.run(['publish', '--snapshot-only']))
      const publish = shop.start(['publish'], { ...SYNCED, SCISSION_CRASH_POINT: point })
      await publish.waitFor('Follows the monolith from')
      for (let from = 1, running = true; running; from += 5) {
        await write(shop, from, from + 4)
        running = !(await Promise.race([publish.ended.then(() => true), mark(shop, `${from}`).then(() => false)]))
      }
      assertCrashed(point, await publish.ended)
      await assertGoesOn(shop)
    }))

for (const point of CONSUME_POINTS)
  test(`a consumer that dies at ${point} loses nothing and doubles nothing`, () =>
    withShop(async (shop) => {
      await succeed(shop.run(['prepare', '--yes']))
      await succeed(shop.run(['publish', '--snapshot-only']))
      await write(shop, 1, 30)
      await mark(shop, 'half')
      await succeed(shop.run(['publish', '--until-marker', 'half'], SYNCED))
      assertCrashed(point, await shop.run(['consume', '--all', '--until-caught-up'], { SCISSION_CRASH_POINT: point }))
      await assertGoesOn(shop)
    }))

test('a publisher that dies before it reads a table again that was rewritten leaves no stale row', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    await succeed(shop.run(['publish', '--snapshot-only']))
    await succeed(shop.run(['consume', '--all', '--until-caught-up']))
    await withClient(shop.monolith, async (client) => {
      await client.query(`ALTER TABLE "Order" ALTER city TYPE text USING coalesce(city, 'nowhere')`)
    })
    const point = 'publish-tables-recorded'
    assertCrashed(point, await shop.run(['publish'], { ...SYNCED, SCISSION_CRASH_POINT: point }))
    await assertGoesOn(shop)
  }))

test('a publisher and a consumer that are killed in the middle, again and again, lose nothing and double nothing', () =>
  withShop(async (shop) => {
    await succeed(shop.run(['prepare', '--yes']))
    for (let round = 0; round < 3; round += 1) {
      const publish = shop.start(['publish'], SYNCED)
      const consume = shop.start(['consume', 'sales'])
      await publish.waitFor('Follows the monolith from')
      await consume.waitFor('is complete')
      await write(shop, round * 20 + 1, round * 20 + 20)
      for (const running of [publish, consume]) running.kill('SIGKILL')
      await Promise.all([publish.ended, consume.ended])
    }
    await assertGoesOn(shop)
  }))

test('every crash point is in the documentation, and every one there is tested', async () => {
  const all = await readFile(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const page = all.slice(all.indexOf('## Following'), all.indexOf('## `consume`'))
  const documented = [...page.matchAll(/^\| `((publish|consume)-[a-z-]+)`/gm)].map(([, name]) => name)
  assert.equal(documented, [...new Set([...PUBLISH_POINTS, ...CONSUME_POINTS].map((point) => point.split(':')[0]))])
})

test.run()
