import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compareCopies, digestsOf } from '../../../consumers/replay/compare-copies.ts'
import { copyTotals, cut } from '../../../consumers/replay/copy-totals.ts'
import { withSharedSnapshot } from '../../../consumers/replay/copy-snapshot.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { readDigest, totalsOf } from '../../../infra/verify/compare-rows.ts'
import { shop, withTwoCopies } from './two-copies.ts'

const [Customer, Order] = shop.entities

test('a table is cut where that is worth a session, and its last part has no end', () => {
  assert.ok(Order)
  const wheres = (pages: number, most: number): string[] => cut(Order, pages, most).map(({ where }) => where)
  assert.equal(wheres(0, 4), ['true'])
  assert.equal(wheres(4_095, 4), ['true'])
  assert.equal(wheres(4_096, 4), [`ctid < '(2048,0)'::tid`, `ctid >= '(2048,0)'::tid`])
  assert.equal(wheres(9_001, 3), [
    `ctid < '(3000,0)'::tid`,
    `ctid >= '(3000,0)'::tid AND ctid < '(6000,0)'::tid`,
    `ctid >= '(6000,0)'::tid`,
  ])
  assert.equal(wheres(-1, 4), ['true'])
})

/** The catalog is made to say that the table is large, so that it is read in parts, most of them empty. */
const LIKE_LARGE = (schema: string, pages: number): string =>
  `UPDATE pg_class SET relpages = ${pages} WHERE relname = 'Order' AND relnamespace = '${schema}'::regnamespace`

test('the parts of a table add up to all of it, whatever the catalog says of its size', () =>
  withTwoCopies(async ({ inRebuilt, rebuilt }) => {
    await inRebuilt(
      `INSERT INTO @."Customer" (id, name) OVERRIDING SYSTEM VALUE SELECT n, 'name ' || n FROM generate_series(1, 50) AS n`,
      `INSERT INTO @."Order" SELECT n, 1 + n % 50, n, n, '{"a": 1}' FROM generate_series(1, 50000) AS n`,
      `DELETE FROM @."Order" WHERE id % 7 = 0`,
    )
    const entities = rebuilt.service.entities.filter(({ name }) => name === 'Order' || name === 'Customer')
    const whole = await withSession(rebuilt.target, { purpose: 'test' }, async (client) =>
      Promise.all(entities.map(async (entity) => totalsOf(await readDigest(client, entity)))),
    )
    for (const pages of [0, 4_096, 40_960]) {
      await inRebuilt(LIKE_LARGE('rebuilt', pages))
      const found = await withSharedSnapshot(rebuilt, undefined, async (snapshot) =>
        copyTotals<never>(snapshot, entities, 5),
      )
      assert.equal([...found.keys()], [Customer?.name, Order?.name])
      assert.equal([...found.values()], whole)
    }
  }))

test('parts that end within the rows add up too', () =>
  withTwoCopies(async ({ inRebuilt, rebuilt }) => {
    await inRebuilt(
      `ALTER TABLE @."Order" SET (fillfactor = 10)`,
      `ALTER TABLE @."Order" DROP CONSTRAINT "Order_customerId_fkey"`,
      `INSERT INTO @."Order" SELECT n, 1, n, n, '{"a": 1}' FROM generate_series(1, 60000) AS n`,
      'ANALYZE @."Order"',
    )
    const entities = rebuilt.service.entities.filter(({ name }) => name === 'Order')
    const whole = await withSession(rebuilt.target, { purpose: 'test' }, async (client) => {
      const { rows } = await client.query<{ pages: string }>(
        `SELECT relpages AS pages FROM pg_class WHERE oid = 'rebuilt."Order"'::regclass`,
      )
      assert.ok(Number(rows[0]?.pages) >= 4_096, `${rows[0]?.pages} pages`)
      return await Promise.all(entities.map(async (entity) => totalsOf(await readDigest(client, entity))))
    })
    assert.equal([...(await digestsOf({ ...rebuilt, service: { ...rebuilt.service, entities } }, 2)).values()], whole)
  }))

test('a rebuilt copy whose digests are known is read only to name rows', () =>
  withTwoCopies(async ({ inBoth, inPresent, present, rebuilt }) => {
    await inBoth(`INSERT INTO @."_Tags" VALUES (1, 'a'), (1, 'b')`, `INSERT INTO @."Account" VALUES (1, 'hidden')`)
    await inPresent(`DELETE FROM @."_Tags" WHERE "B" = 'b'`)
    const known = await digestsOf(rebuilt, 2)
    const tables = await compareCopies({ present, rebuilt, known, jobs: 2, limit: 10 })
    assert.equal(
      tables.map(({ differences, entity, equal }) => [entity, equal, differences.total]),
      [
        ['Customer', true, 0],
        ['Order', true, 0],
        ['_Tags', false, 1],
        ['Account', true, 0],
      ],
    )
    assert.equal(
      tables.map((table) => table.rebuilt),
      [...known.values()],
    )
  }))

test.run()
