import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Client } from 'pg'
import type { Column, WireKind } from '../../../contracts/language/column.ts'
import * as types from '../../../contracts/language/types.ts'
import { withDatabase } from '../../with-servers.ts'

const builtIn: Readonly<Record<string, [Column<unknown>, WireKind]>> = {
  text: [types.text(), 'text'],
  boolean: [types.boolean(), 'boolean'],
  smallint: [types.smallint(), 'integer'],
  integer: [types.integer(), 'integer'],
  bigint: [types.bigint(), 'integer'],
  real: [types.real(), 'float'],
  'double precision': [types.doublePrecision(), 'float'],
  bytea: [types.bytea(), 'binary'],
  json: [types.json(), 'text'],
  jsonb: [types.jsonb(), 'text'],
  uuid: [types.uuid(), 'text'],
  'timestamp(3) without time zone': [types.timestamp(3), 'text'],
  'timestamp(0) without time zone': [types.timestamp(0), 'text'],
  'numeric(10,2)': [types.postgres('numeric(10,2)'), 'text'],
}

test('a column has the type that its function is called after, not null, and travels as that type allows', () => {
  for (const [type, [{ settings }, wire]] of Object.entries(builtIn))
    assert.equal(settings, { type, wire, nullable: false, secret: false, requires: [] })
})

test("the server's own name for each type is the one that contracts use", () =>
  withDatabase(async (url) => {
    const client = new Client({ connectionString: url, options: '-c search_path=pg_catalog' })
    await client.connect()
    try {
      const names = Object.keys(builtIn)
      await client.query(`CREATE TEMP TABLE t (${names.map((type, place) => `c${place} ${type}`).join(', ')})`)
      const { rows } = await client.query<{ names: string[] }>(
        `SELECT array_agg(format_type(atttypid, atttypmod) ORDER BY attnum) AS names FROM pg_attribute
        WHERE attrelid = 'pg_temp.t'::regclass AND attnum > 0`,
      )
      assert.equal(rows, [{ names }])
    } finally {
      await client.end()
    }
  }))

test('what is said of a column is kept, and leaves the column that it was said of alone', () => {
  const plain = types.text()
  const { settings } = plain.nullable().default(`'x'`).secret().note('why')
  assert.equal(settings, {
    ...plain.settings,
    nullable: true,
    default: `'x'`,
    secret: true,
    note: 'why',
  })
  assert.equal(plain.settings, { type: 'text', wire: 'text', nullable: false, secret: false, requires: [] })
  assert.is(types.integer().identity('ALWAYS').settings.identity, 'ALWAYS')
  assert.is(types.integer().generated('a + b').settings.generated, 'a + b')
})

test('an enum brings its type: name and labels are quoted, and each column has the same definition', () => {
  const status = types.enumeration('Status', ['DRAFT', "it's"])
  assert.is(status().settings.type, 'public."Status"')
  assert.equal(status().settings.requires, [
    {
      name: 'public."Status"',
      create: `CREATE TYPE public."Status" AS ENUM ('DRAFT', 'it''s')`,
      labels: ['DRAFT', "it's"],
    },
  ])
  assert.is(status().settings.requires[0], status().nullable().settings.requires[0])
  assert.is(types.enumeration('status', ['a'], 'Other schema')().settings.type, '"Other schema".status')
})

test('an extension is made in its schema, unless it is there', () => {
  assert.equal(types.extension('uuid-ossp', 'Some schema', '"Some schema".t'), {
    name: '"Some schema".t',
    create: 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA "Some schema"',
  })
})

test.run()
