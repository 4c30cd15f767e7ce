import * as fc from 'fast-check'
import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addDigests, type Digest, digestFromSums, digestText, EMPTY_DIGEST } from '../../../contracts/digest.ts'
import { contractSet, type Entity } from '../../../contracts/language/contract-set.ts'
import type { Column } from '../../../contracts/language/column.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { doublePrecision, postgres, text } from '../../../contracts/language/types.ts'
import { digestSql } from '../../../infra/postgres/digest-sql.ts'
import { type PostgresTarget, withSession } from '../../../infra/postgres/session.ts'
import { chunkCondition, planChunks } from '../../../publisher/chunk-plan.ts'
import { withDatabase } from '../../with-servers.ts'

const digests: fc.Arbitrary<Digest> = fc
  .tuple(fc.nat(), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }))
  .map(([rows, sum]) => ({ rows, sum }))

test('digests are added in any order and any grouping, and an empty set adds nothing', () => {
  fc.assert(
    fc.property(digests, digests, digests, (one, two, three) => {
      assert.equal(addDigests(one, two), addDigests(two, one))
      assert.equal(addDigests(addDigests(one, two), three), addDigests(one, addDigests(two, three)))
      assert.equal(addDigests(one, EMPTY_DIGEST), one)
    }),
  )
})

test('a digest is 32 hexadecimal digits, also of sums below zero and beyond 128 bits', () => {
  const of = (high: string, low: string): string => digestText(digestFromSums({ rows: '1', high, low }))
  assert.is(of('0', '0'), '0'.repeat(32))
  assert.is(of('0', '-1'), 'f'.repeat(32))
  assert.is(of('1', '-1'), `${'0'.repeat(16)}${'f'.repeat(16)}`)
  assert.is(of('-1', '0'), `${'f'.repeat(16)}${'0'.repeat(16)}`)
  assert.is(of(String(2n ** 64n), '7'), `${'0'.repeat(31)}7`)
})

test("a table's digest is the sum of its chunks' digests", () =>
  withTable({ id: text(), note: text().nullable() }, async ({ client, digest, name }) => {
    await client.query(`INSERT INTO ${name} SELECT n::text, repeat('x', n % 90) FROM generate_series(1, 20000) AS n`)
    await client.query(`DELETE FROM ${name} WHERE id::int % 7 = 0`)
    const blocks = 120
    const chunks = planChunks({ blocks, bytes: 2 ** 34, estimatedRows: 0 }, 3)
    assert.is(chunks.length, blocks)
    let sum = EMPTY_DIGEST
    for (const chunk of chunks) sum = addDigests(sum, await digest(chunkCondition(chunk)))
    assert.equal(sum, await digest())
    assert.is(sum.rows, 20_000 - Math.floor(20_000 / 7))
  }))

test('a digest tells NULL from the empty string, and in which column which value stands', () =>
  withTable({ a: text().nullable(), b: text().nullable() }, async ({ digestOf }) => {
    const rows = [
      [null, null],
      ['', null],
      [null, ''],
      ['', ''],
      ['x', null],
      [null, 'x'],
      ['xy', ''],
      ['x', 'y'],
      ['', 'xy'],
      ['y', 'x'],
    ]
    await assertAllDiffer(
      rows.map((row) => [row]),
      digestOf,
    )
  }))

test('rows that are there twice do not cancel each other out, and the order of rows does not matter', () =>
  withTable({ a: text() }, async ({ digestOf }) => {
    await assertAllDiffer([[], [['x']], [['x'], ['x']], [['x'], ['x'], ['x']], [['x'], ['y']]], digestOf)
    assert.equal(await digestOf([['x'], ['y']]), await digestOf([['y'], ['x']]))
  }))

test('values exchanged between rows are noticed', () =>
  withTable({ a: text(), b: text() }, async ({ digestOf }) => {
    const straight = [
      ['1', 'one'],
      ['2', 'two'],
    ]
    const crossed = [
      ['1', 'two'],
      ['2', 'one'],
    ]
    await assertAllDiffer([straight, crossed], digestOf)
  }))

test('minus zero is not zero, and NaN is a value', () =>
  withTable({ a: doublePrecision().nullable() }, async ({ digestOf }) => {
    await assertAllDiffer([[['0']], [['-0']], [['NaN']], [[null]], [['Infinity']], [['5e-324']]], digestOf)
  }))

test('each of more than 48 nullable columns counts, and each of 300 columns', async () => {
  for (const [count, nullable] of [
    [130, true],
    [300, false],
  ] as const) {
    const columns = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`c${index}`, nullable ? text().nullable() : text()]),
    )
    await withTable(columns, async ({ digestOf }) => {
      const base = Array.from({ length: count }, () => '')
      const changed = [0, 1, 47, 48, 49, 95, 96, 97, count - 1].map((place) => [
        base.map((value, index) => (index === place ? (nullable ? null : 'x') : value)),
      ])
      await assertAllDiffer([[base], ...changed], digestOf)
    })
  }
})

test('a table of as many columns as PostgreSQL allows has a digest', () => {
  const columns = Object.fromEntries(Array.from({ length: 1_600 }, (_, index) => [`c${index}`, text().nullable()]))
  return withTable(columns, async ({ client, digest, name }) => {
    await client.query(`INSERT INTO ${name} DEFAULT VALUES`)
    assert.is((await digest()).rows, 1)
  })
})

test('the digest is the same whatever the defaults of the database are', async () => {
  const columns = {
    a: postgres('timestamp with time zone'),
    b: postgres('interval'),
    c: doublePrecision(),
    d: postgres('bytea'),
    e: postgres('money'),
    f: postgres('date'),
    g: postgres('xml'),
    h: postgres('regclass'),
  }
  const row = [
    '2024-02-03 04:05:06.789+00',
    '1 year 2 mons -3 days',
    '0.1',
    '\\x00ff',
    '1.50',
    '2024-02-03',
    '<a/>',
    '1259',
  ]
  const settings = {
    TimeZone: 'Asia/Kathmandu',
    DateStyle: 'SQL, DMY',
    IntervalStyle: 'sql_standard',
    bytea_output: 'escape',
    extra_float_digits: '-15',
    search_path: 'public',
    quote_all_identifiers: 'on',
    lc_monetary: 'C',
    xmloption: 'document',
  }
  const plain = await withTable(columns, async ({ digestOf }) => await digestOf([row]))
  const odd = await withTable(columns, async ({ digestOf }) => await digestOf([row]), settings)
  assert.equal(plain, odd)
})

test('a collation for which texts of different bytes are equal does not make their digests equal', () =>
  withTable({ a: text() }, async ({ client, digest, name }) => {
    const found = await client.query(`SELECT FROM pg_collation WHERE collprovider = 'i' LIMIT 1`)
    if (found.rowCount === 0) return
    await client.query(
      `CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         ALTER TABLE ${name} ALTER a TYPE text COLLATE public.blind`,
    )
    const of = async (value: string): Promise<Digest> => {
      await client.query(`TRUNCATE ${name}`)
      await client.query(`INSERT INTO ${name} VALUES ($1)`, [value])
      return await digest()
    }
    assert.not.equal(await of('straße'), await of('STRASSE'))
    assert.not.equal(await of('a'), await of('A'))
  }))

interface TestTable {
  readonly client: Client
  /** Its name, quoted. */
  readonly name: string
  digest(where?: string): Promise<Digest>
  /** The digest of the table when it holds these rows alone. */
  digestOf(rows: readonly (readonly (string | null)[])[]): Promise<Digest>
}

async function withTable<Result>(
  columns: Readonly<Record<string, Column<unknown>>>,
  use: (table: TestTable) => Promise<Result>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const [key = ''] = Object.keys(columns)
  const declared = entity(columns, { key: [key], keyAs: 'unique index', table: 'Some "table"' })
  // A key may not be null in a contract; here it is, and the digest does not ask.
  const { columns: resolved, ...rest } = entityOf(declared)
  const some: Entity = { ...rest, columns: resolved }
  return await withDatabase(async (url) => {
    const target: PostgresTarget = { title: 'the database', variable: 'DATABASE_URL', url }
    await withSession(target, { purpose: 'test' }, async (client) => {
      const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
      for (const [name, value] of Object.entries(settings))
        await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${name} = '${value}'`)
    })
    return await withSession(target, { purpose: 'test' }, async (client) => {
      const name = 'public."Some ""table"""'
      const definitions = some.columns.map((column) => `"${column.name}" ${column.type}`)
      await client.query(`CREATE TABLE ${name} (${definitions.join(', ')})`)
      const digest = async (where?: string): Promise<Digest> => {
        const result = await client.query<{ rows: string; high: string; low: string }>(digestSql(some, where))
        const [sums] = result.rows
        if (sums === undefined) throw new Error('The digest has no row')
        return digestFromSums(sums)
      }
      const digestOf = async (rows: readonly (readonly (string | null)[])[]): Promise<Digest> => {
        await client.query(`TRUNCATE ${name}`)
        const places = some.columns.map((_, index) => `$${index + 1}`).join(', ')
        for (const row of rows) await client.query(`INSERT INTO ${name} VALUES (${places})`, [...row])
        return await digest()
      }
      return await use({ client, name, digest, digestOf })
    })
  })
}

function entityOf(declared: ReturnType<typeof entity>): Entity {
  const { columns, rules } = declared
  const settings = Object.entries(columns).map(([name, column]) => ({ name, ...column.settings }))
  const set = contractSet('some', { services: { some: service({ Some: entity({ id: text() }, { key: ['id'] }) }) } })
  const [resolved] = set.services[0]?.entities ?? []
  if (resolved === undefined) throw new Error('The contract set has no entity')
  return { ...resolved, table: rules.table ?? '', columns: settings, key: rules.key }
}

async function assertAllDiffer(
  contents: readonly (readonly (readonly (string | null)[])[])[],
  digestOf: TestTable['digestOf'],
): Promise<void> {
  const seen = new Map<string, string>()
  for (const rows of contents) {
    const { rows: count, sum } = await digestOf(rows)
    const known = seen.get(`${count}/${sum}`)
    assert.is(known, undefined, `${JSON.stringify(rows)} and ${known} have one digest`)
    seen.set(`${count}/${sum}`, JSON.stringify(rows))
  }
}

test.run()
