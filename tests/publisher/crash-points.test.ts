// deadline: 900 s
import { readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PublisherEvent } from '../../publisher/events.ts'
import { runSql } from '../consumers/with-service.ts'
import { slotPoint } from './bank-checks.ts'
import {
  crashAt,
  finishedIn,
  loadedSums,
  openChunks,
  READERS,
  readHeld,
  readSettled,
  TABLES,
  type TableSum,
} from './killed-publisher.ts'
import { type Bank, type BankOptions, keepersOf, withBank } from './with-bank.ts'

/** Two tables of some 10 MB, which are cut into a chunk for each reader. */
const LARGE: BankOptions = { rows: 8_000, noteBytes: 1_200 }
const PAGE_BYTES = 65_536

/** Points at which no stream knows the epoch yet: all begins anew, with another snapshot and another slot. */
const BEFORE = ['publish-locked', 'publish-slot-recorded', 'publish-slot-created', 'publish-snapshot-kept']

/** Points from which on the next run goes on, under the very same snapshot. */
const BEHIND = [
  'publish-epoch-stored',
  'publish-tables-recorded',
  'publish-attempt-stored:2',
  'publish-page-stored:3',
  'publish-page-stored:60',
  'publish-chunk-read',
  'publish-chunk-stored',
  'publish-entity-read',
  'publish-entity-stored',
  'publish-snapshot-read',
  'publish-keeper-ended',
  'publish-manifest-stored',
  'publish-closed',
]

async function sumOf(url: string, table: string): Promise<TableSum> {
  const columns = table === 'Coin' ? `id, picture` : `id, amount, note`
  const [sum = ''] = await runSql(url, [
    `SELECT count(*), md5(string_agg(md5(concat_ws('|', ${columns})), '' ORDER BY id COLLATE "C")) FROM "${table}"`,
  ])
  return sum
}

async function monolithSums({ url }: Bank): Promise<object> {
  const sums = Object.keys(TABLES).map(async (table) => [table, await sumOf(url, table)] as const)
  return Object.fromEntries(await Promise.all(sums))
}

async function write({ client }: Bank): Promise<void> {
  await client.query(`UPDATE "Purse" SET note = 'later' WHERE id::int % 7 = 0`)
  await client.query(`DELETE FROM "Account" WHERE id::int % 5 = 0`)
  await client.query(`INSERT INTO "Coin" VALUES ('late', NULL)`)
}

async function publishAgain(bank: Bank): Promise<PublisherEvent[]> {
  const events: PublisherEvent[] = []
  await bank.publish({ readers: READERS, pageBytes: PAGE_BYTES, withoutKeeper: false }, (event) => events.push(event))
  assert.equal(await keepersOf(bank), [], 'the keeper must end with the last chunk')
  return events
}

for (const point of BEFORE)
  test(`a publisher that dies at ${point} leaves nothing that the next one could not begin anew`, () =>
    withBank({ rows: 200 }, async (bank) => {
      await crashAt(bank, point)
      await write(bank)
      await publishAgain(bank)
      assert.equal(await loadedSums(bank, sumOf), await monolithSums(bank))
    }))

for (const point of BEHIND)
  test(`a publisher that dies at ${point} is followed by one that goes on under the same snapshot`, () =>
    withBank(LARGE, async (bank) => {
      await bank.client.query(`INSERT INTO "Coin" VALUES ('1', '\\x00ff'), ('2', NULL)`)
      const expected = await monolithSums(bank)
      await crashAt(bank, point)
      const [held, slot] = [await readSettled(bank), await slotPoint(bank)]
      await write(bank)
      assert.ok(openChunks(held).length <= READERS, openChunks(held).join())
      const events = await publishAgain(bank)
      const stored = events.flatMap((event) => (event.type === 'page-stored' ? [event.entity] : []))
      for (const entity of finishedIn(held)) assert.not.ok(stored.includes(entity), `${entity} was finished`)
      const after = await readHeld(bank)
      const names = after.pages.map(({ entity, attempt, chunk, page }) => [entity, attempt, chunk, page].join('/'))
      assert.is(new Set(names).size, names.length, 'no page may be stored twice')
      assert.is(names.length, held.pages.length + stored.length)
      assert.ok(after.pages.every(({ attempt }) => attempt === 1))
      assert.is(await slotPoint(bank), slot)
      assert.equal(await loadedSums(bank, sumOf), expected)
    }))

test('every crash point is in the documentation, and every one there is tested', async () => {
  const all = await readFile(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const page = all.slice(0, all.indexOf('## Following'))
  const documented = [...page.matchAll(/^\| `(publish-[a-z-]+)`/gm)].map(([, name]) => name)
  const tested = [...new Set([...BEFORE, ...BEHIND].map((point) => point.split(':')[0]))]
  assert.equal(documented, tested)
})

test.run()
