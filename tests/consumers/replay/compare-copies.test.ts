import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  compareCopies,
  type ComparedTable,
  type CopyComparison,
  digestsOf,
} from '../../../consumers/replay/compare-copies.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { runSql } from '../with-service.ts'
import { type TwoCopies, withTwoCopies } from './two-copies.ts'

const ROWS = [
  `INSERT INTO @."Customer" (id, name, note) OVERRIDING SYSTEM VALUE
     SELECT n, 'name ' || n, CASE WHEN n % 3 = 0 THEN NULL ELSE '' END FROM generate_series(1, 50) AS n`,
  `INSERT INTO @."Order" SELECT n, 1 + n % 50, (n || '.50')::numeric, n, '{"a": 1}' FROM generate_series(1, 500) AS n`,
  `INSERT INTO @."_Tags" VALUES (1, 'a'), (1, 'b')`,
  `INSERT INTO @."Account" VALUES (1, 'hidden')`,
]

async function compared(
  { present, rebuilt }: TwoCopies,
  options: Partial<CopyComparison> = {},
): Promise<Record<string, ComparedTable>> {
  const tables = await compareCopies({ present, rebuilt, jobs: 2, limit: 10, ...options })
  return Object.fromEntries(tables.map((table) => [table.entity, table]))
}

test('copies that are equal are found so, in the contract’s order', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    const told: string[] = []
    const { present, rebuilt } = copies
    const tables = await compareCopies({
      present,
      rebuilt,
      jobs: 3,
      limit: 1,
      report: ({ entity }) => void told.push(entity),
    })
    assert.equal(
      tables.map(({ entity, equal, rebuilt: { rows } }) => [entity, equal, rows]),
      [
        ['Customer', true, 50],
        ['Order', true, 500],
        ['_Tags', true, 2],
        ['Account', true, 1],
      ],
    )
    assert.equal(told.toSorted(), ['Account', 'Customer', 'Order', '_Tags'])
    for (const table of tables) {
      assert.equal(table.rebuilt, table.present)
      assert.equal(table.differences, { total: 0, rows: [], note: null })
    }
  }))

test('rows that differ are named, in one database or in two', async () => {
  for (const databases of [1, 2] as const)
    await withTwoCopies(
      async (copies) => {
        await copies.inBoth(...ROWS)
        await copies.inPresent(
          `DELETE FROM @."Order" WHERE id = 7`,
          `INSERT INTO @."Order" VALUES (900, 1)`,
          `UPDATE @."Order" SET amount = 9.500 WHERE id = 9`,
          `UPDATE @."Account" SET token = 'other'`,
        )
        const { Account, Customer, Order } = await compared(copies)
        const key = (value: string) => [{ column: 'id', value: JSON.stringify(value) }]
        assert.is(Customer?.equal, true)
        assert.is(Order?.equal, false)
        assert.equal([Order?.rebuilt.rows, Order?.present?.rows], [500, 500])
        assert.equal(Order?.differences, {
          total: 3,
          rows: [
            { kind: 'missing', key: key('7') },
            {
              kind: 'different',
              key: key('9'),
              columns: [{ column: 'amount', expected: '"9.50"', found: '"9.500"', character: 5 }],
            },
            { kind: 'extra', key: key('900') },
          ],
          note: null,
        })
        assert.is(Account?.differences.total, 1)
        assert.not.match(JSON.stringify(Account), /hidden|other/)
      },
      { databases },
    )
})

test('as many rows are named as are asked for, and all are counted', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(`UPDATE @."Order" SET weight = '-0' WHERE id <= 321`)
    const { Order } = await compared(copies, { limit: 2 })
    assert.equal([Order?.differences.total, Order?.differences.rows.length], [321, 2])
  }))

test('a live table that cannot be compared is told of, and the others are compared', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(
      `ALTER TABLE @."Order" DROP COLUMN weight, DROP COLUMN extra`,
      `DROP TABLE @."_Tags"`,
      `ALTER TABLE @."Account" RENAME TO "Former"`,
      `CREATE VIEW @."Account" AS SELECT * FROM @."Former"`,
    )
    const tables = await compared(copies)
    const said = (name: string) => [tables[name]?.present, tables[name]?.differences.note]
    assert.is(tables['Customer']?.equal, true)
    assert.equal(said('Order'), [null, 'The table live."Order" lacks weight, extra.'])
    assert.equal(said('_Tags'), [null, 'The table live."_Tags" is missing.'])
    assert.equal(said('Account'), [null, 'live."Account" is not an ordinary table.'])
    assert.equal([tables['Order']?.rebuilt.rows, tables['Order']?.equal], [500, false])
  }))

test('a live table that the role may not read is told of', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    const role = `reader_${process.pid}`
    await copies.inPresent(
      `CREATE ROLE ${role} LOGIN PASSWORD '${role}'`,
      `GRANT USAGE ON SCHEMA live, rebuilt TO ${role}`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA live, rebuilt TO ${role}`,
      `REVOKE SELECT ON live."Order" FROM ${role}`,
    )
    try {
      const url = new URL(copies.present.target.url)
      url.username = role
      url.password = role
      const present = { ...copies.present, target: { ...copies.present.target, url: url.toString() } }
      const { Customer, Order } = await compared({ ...copies, present })
      assert.is(Customer?.equal, true)
      assert.is(Order?.present, null)
      assert.match(Order?.differences.note ?? '', /may not read all of the table live\."Order" .*grant it SELECT/)
    } finally {
      await copies.inPresent(`DROP OWNED BY ${role}`, `DROP ROLE ${role}`)
    }
  }))

test('a live column of another type differs where its values do', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent(
      `ALTER TABLE @."_Tags" ALTER "A" TYPE bigint`,
      `ALTER TABLE @."Order" ALTER amount TYPE numeric(12,3)`,
    )
    const { Order, _Tags } = await compared(copies, { limit: 1 })
    assert.is(_Tags?.equal, true)
    assert.equal([Order?.equal, Order?.differences.total], [false, 500])
  }))

test('rows are not named where the live database lacks a type of the contract, and the others are', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    await copies.inPresent('DELETE FROM @."_Tags"', 'DELETE FROM @."Account"')
    const entities = copies.present.service.entities.map((entity) =>
      entity.name === '_Tags'
        ? { ...entity, columns: entity.columns.map((column) => ({ ...column, type: 'live.absent' })) }
        : entity,
    )
    const present = { ...copies.present, service: { ...copies.present.service, entities } }
    const { Account, _Tags } = await compared({ ...copies, present })
    assert.equal([_Tags?.equal, _Tags?.present?.rows, _Tags?.differences.total], [false, 0, null])
    assert.match(_Tags?.differences.note ?? '', /^The rows cannot be named: .*live\.absent/)
    assert.is(Account?.differences.total, 1)
  }))

test('digests are those of the comparison', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    const digests = await digestsOf(copies.rebuilt, 2)
    const tables = await compared(copies)
    assert.equal([...digests.keys()], Object.keys(tables))
    for (const [name, totals] of digests) assert.equal(totals, tables[name]?.rebuilt)
  }))

test('no more sessions are open than were allowed, and an abort ends all of them', () =>
  withTwoCopies(async (copies) => {
    await copies.inBoth(...ROWS)
    const { present, rebuilt } = copies
    const looking = `SELECT count(*) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE '%replay sales%'`
    const waiting = `${looking} AND wait_event_type = 'Lock'`
    const counted = async (sql: string): Promise<number> => Number((await runSql(present.target.url, [sql]))[0])
    const until = async (sql: string, number: number): Promise<void> => {
      for (let look = 0; look < 500 && (await counted(sql)) !== number; look++) await delay(20)
      assert.is(await counted(sql), number)
    }
    await withSession(present.target, { purpose: 'test' }, async (client) => {
      await client.query('BEGIN')
      for (const { table } of present.service.entities) await client.query(`LOCK TABLE rebuilt."${table}"`)
      const ending = new AbortController()
      const comparing = compareCopies({ present, rebuilt, jobs: 2, limit: 1, signal: ending.signal }).catch(
        (error: unknown) => error,
      )
      await until(waiting, 2)
      assert.ok((await counted(looking)) <= 2 + 2 * 2)
      const reason = new Error('enough')
      ending.abort(reason)
      assert.is(await comparing, reason)
      await until(looking, 0)
    })
  }))

test.run()
