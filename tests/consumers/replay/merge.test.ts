// deadline: 300 s
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { digestsOf } from '../../../consumers/replay/compare-copies.ts'
import type { Copy } from '../../../consumers/replay/copy-snapshot.ts'
import { mergeInto, type MergedTable } from '../../../consumers/replay/merge.ts'
import { passOverTriggers } from '../../../consumers/consumer-session.ts'
import { Failure } from '../../../contracts/failure.ts'
import { contractSet, type Service, wireColumns } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { integer, text } from '../../../contracts/language/types.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { tableSql } from '../../../infra/postgres/digest-sql.ts'
import { readDigest } from '../../../infra/verify/compare-rows.ts'
import { inTransaction, withSession } from '../../../infra/postgres/session.ts'
import * as ddl from '../../../infra/service-database/ddl.ts'
import hostile from '../../hostile/contract-set.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { seededRandom } from '../../hostile/random.ts'
import * as mutations from '../../infra/verify/mutations.ts'
import { target } from '../../infra/verify/made-by-hand.ts'
import { withDatabase } from '../../with-servers.ts'
import { runSql } from '../with-service.ts'
import { type TwoCopies, withTwoCopies } from './two-copies.ts'

async function merged({ present, rebuilt }: Pick<TwoCopies, 'present' | 'rebuilt'>): Promise<MergedTable[]> {
  return await withSession(present.target, { purpose: 'test' }, async (client) => {
    await passOverTriggers(client)
    return await mergeIn(client, present.service, rebuilt.service)
  })
}

async function mergeIn(client: pg.Client, live: Service, shadow: Service): Promise<MergedTable[]> {
  return await inTransaction(client, 'BEGIN', async () => await mergeInto(client, live, shadow))
}

/** The counts of the tables in which anything was done: deleted, updated, inserted. */
function counts(tables: readonly MergedTable[]): Record<string, string> {
  return Object.fromEntries(
    tables
      .map(({ deleted, entity: name, inserted, updated }) => [name, `${deleted} ${updated} ${inserted}`] as const)
      .filter(([, count]) => count !== '0 0 0'),
  )
}

async function assertAlike(present: Copy, rebuilt: Copy): Promise<void> {
  assert.equal([...(await digestsOf(present, 2))], [...(await digestsOf(rebuilt, 2))])
}

const ROWS = [
  `INSERT INTO @."Customer" (id, name, note) OVERRIDING SYSTEM VALUE
     SELECT n, 'name ' || n, CASE WHEN n % 3 = 0 THEN NULL ELSE '' END FROM generate_series(1, 50) AS n`,
  `INSERT INTO @."Order" SELECT n, 1 + n % 50, (n || '.50')::numeric, n, '{"a": 1}' FROM generate_series(1, 500) AS n`,
  `INSERT INTO @."_Tags" VALUES (1, 'a'), (1, 'b')`,
  `INSERT INTO @."Account" VALUES (1, 'hidden')`,
]

test('a merge touches the rows that differ and no others', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    assert.equal(counts(await merged(copies)), {})
    await copies.inPresent(
      `DELETE FROM @."Order" WHERE id <= 3`,
      `INSERT INTO @."Order" VALUES (900, 1), (901, 1)`,
      `UPDATE @."Order" SET amount = 9.500 WHERE id = 9`,
      `UPDATE @."Order" SET amount = NULL WHERE id = 10`,
      `UPDATE @."Order" SET weight = '-0' WHERE id = 11`,
      `UPDATE @."Order" SET extra = '{"a":1}' WHERE id = 12`,
      `UPDATE @."Customer" SET note = CASE WHEN note IS NULL THEN '' END WHERE id <= 6`,
      `UPDATE @."_Tags" SET "B" = 'c' WHERE "B" = 'b'`,
    )
    await copies.inRebuilt(`UPDATE @."Order" SET weight = 0 WHERE id = 11`)
    assert.equal(counts(await merged(copies)), { Customer: '0 6 0', Order: '2 4 3', _Tags: '1 0 1' })
    await assertAlike(copies.present, copies.rebuilt)
    assert.equal(counts(await merged(copies)), {})
  }))

test('unique values that were swapped, moved in a ring, or passed on find their rows', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(
      `ALTER TABLE @."Customer" ADD COLUMN own text DEFAULT 'unset', ADD COLUMN twice text GENERATED ALWAYS AS (own || own) STORED`,
      `UPDATE @."Customer" SET own = 'own ' || id`,
      `UPDATE @."Customer" SET name = 'aside ' || name`,
      `UPDATE @."Customer" SET name = 'name ' || 1 + id % 50`,
      `DELETE FROM @."Customer" WHERE id = 20`,
    )
    assert.equal(counts(await merged(copies)), { Customer: '0 49 1', Order: '0 0 10' })
    await assertAlike(copies.present, copies.rebuilt)
    const own = await runSql(copies.present.target.url, [
      `SELECT count(*) FROM live."Customer" WHERE own = 'own ' || id AND twice = own || own`,
    ])
    assert.equal(own, ['49'])
  }))

test('random permutations of unique values, with rows lost and added, come right', () =>
  withTwoCopies(async (copies) => {
    const random = seededRandom(3)
    await copies.inRebuilt(
      `INSERT INTO @."Customer" (id, name) OVERRIDING SYSTEM VALUE SELECT n, 'n' || n FROM generate_series(1, 12) AS n`,
    )
    for (let round = 0; round < 60; round++) {
      const names = Array.from({ length: 16 }, (_, index) => ({ index, order: random(1_000) }))
        .toSorted((one, other) => one.order - other.order)
        .map(({ index }) => `n${index + 1}`)
      const rows = names
        .map((name, index) => `(${index + 1}, '${name}', ${random(2) === 0 ? 'NULL' : "'x'"})`)
        .filter(() => random(4) > 0)
      await copies.inPresent(
        `DELETE FROM @."Customer"`,
        `INSERT INTO @."Customer" (id, name, note) OVERRIDING SYSTEM VALUE VALUES ${rows.join(', ')}, (99, 'last', '')`,
      )
      await merged(copies)
      await assertAlike(copies.present, copies.rebuilt)
    }
  }))

const [numbered] = contractSet('numbered', {
  services: {
    sales: service({
      Numbered: entity(
        { code: text(), number: integer().identity('ALWAYS'), note: text().nullable() },
        { key: ['code'], unique: [{ on: ['number'] }] },
      ),
      OnlyKey: entity({ id: integer().identity('ALWAYS') }, { key: ['id'] }),
    }),
  },
}).services as [Service] // It has one.

test('an identity that is always generated is put right too', () =>
  withTwoCopies(
    async (copies) => {
      const insert = (rows: string) => `INSERT INTO @."Numbered" OVERRIDING SYSTEM VALUE VALUES ${rows}`
      await copies.inRebuilt(
        insert(`('a', 1, 'x'), ('b', 2, NULL), ('c', 3, 'z'), ('d', 4, 'd')`),
        `INSERT INTO @."OnlyKey" OVERRIDING SYSTEM VALUE VALUES (5)`,
      )
      await copies.inPresent(insert(`('a', 2, 'x'), ('b', 1, NULL), ('c', 3, 'y'), ('d', 4, 'd')`))
      assert.equal(counts(await merged(copies)), { Numbered: '0 3 0', OnlyKey: '0 0 1' })
      await assertAlike(copies.present, copies.rebuilt)
    },
    { of: numbered },
  ))

test('foreign keys and triggers of the application do not act', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(
      `CREATE FUNCTION live.spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'spoilt'; END $$`,
      `DELETE FROM @."Customer" WHERE id = 2`,
      `CREATE TRIGGER spoil BEFORE INSERT OR DELETE OR UPDATE ON @."Order" FOR EACH ROW EXECUTE FUNCTION live.spoil()`,
    )
    await copies.inRebuilt(`DELETE FROM @."Customer" WHERE id = 3`, `UPDATE @."Order" SET amount = 0 WHERE id = 5`)
    await merged(copies)
    await assertAlike(copies.present, copies.rebuilt)
  }))

async function refusal(copies: TwoCopies): Promise<string> {
  const error = await merged(copies).then(
    () => new Error('merged'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Failure)) throw error
  assert.is(error.exitCode, 4)
  return error.message
}

test('what would act on the rows, or does not take them, is named, and nothing is changed', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(
      `UPDATE @."Account" SET token = 'x'`,
      `ALTER TABLE @."Account" ADD CONSTRAINT short CHECK (length(token) < 3)`,
    )
    assert.match(
      await refusal(copies),
      /rows of Account do not fit the table live\."Account" .*23514, constraint short/,
    )
    await copies.inPresent(
      `CREATE FUNCTION live.spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
      `CREATE TRIGGER spoil BEFORE UPDATE ON @."Order" FOR EACH ROW EXECUTE FUNCTION live.spoil()`,
      `ALTER TABLE @."Order" ENABLE ALWAYS TRIGGER spoil`,
    )
    assert.match(await refusal(copies), /trigger spoil of table live\."Order"/)
    await withSession(copies.present.target, { purpose: 'test' }, async (client) => {
      await mergeIn(client, copies.present.service, copies.rebuilt.service).then(
        () => assert.unreachable(),
        (error: unknown) => assert.match(String(error), /may not pass over triggers/),
      )
    })
    assert.equal(await runSql(copies.present.target.url, ['SELECT token FROM live."Account"']), ['x'])
  }))

test('tables of every type and any key come out byte for byte, whatever was altered', () =>
  withDatabase(async (url) => {
    await createHostileMonolith(url, { rowsPerTable: 10 })
    const tried = new Set<string>()
    for (const live of hostile.services) {
      const shadow = {
        ...live,
        entities: live.entities.map((own, index) => ({ ...own, schema: `shadow of ${live.name}`, table: `t${index}` })),
      }
      await withSession(target('live', url), { purpose: 'test' }, async (client) => {
        await client.query('SET default_transaction_isolation = "read committed"')
        await fillShadow(client, live, shadow)
        await passOverTriggers(client)
        assert.equal(counts(await mergeIn(client, live, shadow)), {})
        for (const [what, alter] of ALTERATIONS) {
          const altered = new Map<string, number>()
          await mutations.altering(client, async () => {
            for (const own of live.entities) altered.set(own.name, (await alter(client, own)).length)
          })
          const tables = await mergeIn(client, live, shadow)
          for (const { deleted, entity: name, inserted, updated } of tables) {
            const touched = Math.max(deleted, inserted) + updated
            const expected = altered.get(name) ?? 0
            // Two rows that swap all that they have are as they were.
            if (touched > 0) tried.add(what)
            assert.ok(what === SWAPPED ? touched <= expected : touched === expected, `${what}: ${name}`)
          }
          for (const [index, own] of shadow.entities.entries())
            assert.equal(await readDigest(client, live.entities[index] ?? own), await readDigest(client, own))
        }
      })
    }
    assert.is(tried.size, ALTERATIONS.length)
  }))

type Alter = (client: pg.Client, entity: mutations.Alteration['entity']) => Promise<readonly unknown[]>

const SWAPPED = 'two values swapped'

const ALTERATIONS: readonly (readonly [what: string, alter: Alter])[] = [
  ...Object.keys(mutations.VALUE_MUTATIONS).map((kind): [string, Alter] => [
    kind,
    async (client, own) => await mutations.alterEachColumn(client, own, kind),
  ]),
  [SWAPPED, mutations.swapInEachColumn],
  ['a row deleted', mutations.deleteRow],
  ['a row added', mutations.addRow],
]

async function fillShadow(client: pg.Client, live: Service, shadow: Service): Promise<void> {
  await client.query(ddl.createSchemaSql(`shadow of ${live.name}`))
  for (const [index, own] of shadow.entities.entries()) {
    const columns = wireColumns(own).map(({ name }) => quoteIdentifier(name))
    await client.query(ddl.createTableSql(own))
    await client.query(
      `INSERT INTO ${tableSql(own)} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${columns.join(', ')} FROM ONLY ${tableSql(live.entities[index] ?? own)}`,
    )
  }
}

test.run()
