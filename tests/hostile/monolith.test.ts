import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Client, escapeIdentifier } from 'pg'
import { readTables } from './catalog-tables.ts'
import { SPECIAL_VALUES } from './special-values.ts'
import { withHostileMonolith } from './with-hostile-monolith.ts'

/** NATS' default limit for one message. */
const MAX_PAYLOAD_BYTES = 1_048_576

test('each special value of a type is in each of its columns that is not unique, in the tables made by rule', () =>
  withHostileMonolith({ rowsPerTable: 0 }, async (client) => {
    const tables = ['integers', 'floats', 'texts', 'binaries', 'times', 'documents', 'networks', 'shapes']
    const structures = ['kinds', 'ranges', 'arrays', 'columns', 'wide', 'by_structure', 'three_columns']
    const read = (await readTables(client)).filter(({ table }) => [...tables, ...structures].includes(table))
    for (const { schema, table, columns, indexes } of read)
      for (const { name, type } of columns) {
        if (indexes.some(({ unique, on }) => unique && on.includes(name))) continue
        const values = SPECIAL_VALUES[type] ?? []
        const { rows } = await client.query(
          // A composite value whose fields are null is null too, as SQL sees it; its text is not.
          `WITH stored AS (SELECT ${escapeIdentifier(name)}::text AS text FROM ONLY ${schema}.${table})
          SELECT value FROM unnest($1::text[]) AS value
          WHERE value::${type}::text NOT IN (SELECT text FROM stored WHERE text IS NOT NULL)`,
          [values],
        )
        assert.equal(rows, [], `${table}.${name}`)
      }
  }))

test('each column that may be null is null somewhere and a value elsewhere', () =>
  withHostileMonolith({}, async (client) => {
    for (const { schema, table, columns } of await readTables(client)) {
      // A table keyed by an enum or a boolean has too few rows for that.
      if (['empty', 'nulls', 'one_row'].includes(table) || table.startsWith('by_')) continue
      const from = `ONLY ${escapeIdentifier(schema)}.${escapeIdentifier(table)}`
      for (const { name } of columns.filter(({ nullable, generated }) => nullable && generated === null)) {
        const { rows } = await client.query<{ both: boolean }>(
          `SELECT bool_or(value IS NULL) AND bool_or(value IS NOT NULL) AS both
          FROM (SELECT ${escapeIdentifier(name)}::text FROM ${from}) AS t (value)`,
        )
        assert.ok(rows[0]?.both, `${table}.${name}`)
      }
    }
  }))

test('one seed makes the same rows each time, another seed makes others', async () => {
  const [first, again, other] = [await digests(7), await digests(7), await digests(8)]
  assert.equal(first, again)
  assert.is.not(first['public.texts'], other['public.texts'])
  assert.is.not(first['public.tree'], other['public.tree'])
})

test('more rows are made where more are asked for', () =>
  withHostileMonolith({ rowsPerTable: 300 }, async (client) => {
    const { rows } = await client.query(`SELECT count(*)::int > 300 AS more FROM public.texts`)
    assert.equal(rows, [{ more: true }])
  }))

test('the tables have lived: dead rows, dropped and late columns, a rewritten file, rows too large for a message', () =>
  withHostileMonolith({}, async (client) => {
    const truths = {
      'the empty table has pages': `pg_relation_size('public.empty') > 0 AND NOT EXISTS (SELECT FROM public.empty)`,
      'one row is one': `(SELECT count(*) = 1 FROM public.one_row)`,
      'the first pages hold no row': `(SELECT min(ctid) >= '(1,0)' FROM public.churned)`,
      'row places have holes': `(SELECT count(*) < max((ctid::text::point)[0]) * max((ctid::text::point)[1])
        FROM public.churned)`,
      'columns were dropped': `(SELECT count(*) = 3 FROM pg_attribute
        WHERE attrelid = 'public.changed'::regclass AND attisdropped)`,
      'values are missing': `(SELECT count(*) = 2 FROM pg_attribute
        WHERE attrelid = 'public.changed'::regclass AND atthasmissing)`,
      'a file was rewritten': `pg_relation_filenode('public.rewritten') <> 'public.rewritten'::regclass::oid`,
      'pages are left half empty': `(SELECT reloptions @> '{fillfactor=50}' FROM pg_class
        WHERE oid = 'public.churned'::regclass)`,
      'texts are too large': `(SELECT max(octet_length(text)) > 2 * ${MAX_PAYLOAD_BYTES} FROM public.large)`,
      'bytes are too large': `(SELECT max(octet_length(bytea)) > ${MAX_PAYLOAD_BYTES} FROM public.large)`,
      'a parent and a child share keys': `(SELECT count(*) > 0 FROM ONLY public.animals JOIN public.cats USING (id))`,
      'links dangle': `EXISTS (SELECT FROM public.composite_links WHERE link_a = 'dangling')`,
    }
    for (const [name, sql] of Object.entries(truths)) {
      const { rows } = await client.query(`SELECT ${sql} AS holds`)
      assert.equal(rows, [{ holds: true }], name)
    }
  }))

test("later sessions get the hostile database's own settings unless they pin theirs", () =>
  withHostileMonolith({ rowsPerTable: 1 }, async (_client, url) => {
    const session = new Client({ connectionString: url })
    await session.connect()
    try {
      const { rows } = await session.query(`SELECT '\\x01'::bytea::text AS bytes, 0.123::float8::text AS number`)
      assert.equal(rows, [{ bytes: '\\001', number: '0.1' }])
    } finally {
      await session.end()
    }
  }))

/** A digest of each table's rows, in whatever order they are. */
async function digests(seed: number): Promise<Record<string, string>> {
  return withHostileMonolith({ seed, rowsPerTable: 3 }, async (client) => {
    const found: Record<string, string> = {}
    for (const { schema, table } of await readTables(client)) {
      const sql = `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`
      const { rows } = await client.query<{ digest: string }>(
        `SELECT md5(string_agg(row, '' ORDER BY row COLLATE "C")) AS digest
        FROM (SELECT md5(t::text) FROM ONLY ${sql} AS t) AS rows (row)`,
      )
      found[`${schema}.${table}`] = String(rows[0]?.digest)
    }
    return found
  })
}

test.run()
