import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { quoteIdentifier, quoteLiteral } from '../../../contracts/language/quoting.ts'
import { withDatabase } from '../../with-servers.ts'

/** Each run asks the server once, about many names. */
const RUNS = 20

const anyString = fc.string({ unit: 'binary', maxLength: 15 }).filter((text) => !text.includes('\0'))
const nearlyPlain = fc.string({ unit: fc.constantFrom(...'aZ_09$ ."\\\'\n'), minLength: 1, maxLength: 6 })
/** 15 code points have at most 60 bytes, so that the server cuts none of these names. */
const identifier = fc.oneof(nearlyPlain, anyString).filter((name) => name.length > 0)
const identifiers = fc.uniqueArray(identifier, { minLength: 1, maxLength: 100 })

test('a plain name stays as it is, all others are quoted', () => {
  assert.is(quoteIdentifier('users_2'), 'users_2')
  assert.is(quoteIdentifier('_role'), '_role')
  assert.is(quoteIdentifier('User'), '"User"')
  assert.is(quoteIdentifier('user'), '"user"')
  assert.is(quoteIdentifier('2024'), '"2024"')
  assert.is(quoteIdentifier('a$b'), '"a$b"')
  assert.is(quoteIdentifier(''), '""')
  assert.is(quoteIdentifier('say "hi"'), '"say ""hi"""')
})

test('what no PostgreSQL text can hold is refused', () => {
  assert.throws(() => quoteIdentifier('a\0b'), /cannot hold a NUL/)
  assert.throws(() => quoteLiteral('a\0b'), /cannot hold a NUL/)
})

test('property: an identifier is quoted as quote_ident quotes it', () =>
  withClient((client) =>
    check(identifiers, async (names) => {
      const { rows } = await client.query<{ quoted: string }>(
        'SELECT quote_ident(name) AS quoted FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place) ORDER BY place',
        [names],
      )
      assert.equal(
        names.map(quoteIdentifier),
        rows.map(({ quoted }) => quoted),
      )
    }),
  ))

test('every key word that the server quotes is quoted', () =>
  withClient(async (client) => {
    const { rows } = await client.query<{ word: string }>(
      'SELECT word FROM pg_get_keywords() WHERE quote_ident(word) <> word',
    )
    const plain = rows.map(({ word }) => word).filter((word) => quoteIdentifier(word) === word)
    assert.ok(rows.length > 100)
    assert.equal(plain, [])
  }))

test('property: a table made with quoted names has those names', () =>
  withClient((client) =>
    check(identifiers, async (names) => {
      const columns = names.map((name) => `${quoteIdentifier(name)} integer`)
      await client.query(`DROP TABLE IF EXISTS pg_temp.t; CREATE TEMP TABLE t (${columns.join(', ')})`)
      const { rows } = await client.query<{ names: string[] }>(
        `SELECT array_agg(attname::text ORDER BY attnum) AS names FROM pg_attribute
        WHERE attrelid = 'pg_temp.t'::regclass AND attnum > 0`,
      )
      assert.equal(rows, [{ names }])
    }),
  ))

test('property: a quoted literal is the text that it was', () =>
  withClient((client) =>
    check(fc.array(fc.oneof(nearlyPlain, anyString), { minLength: 1, maxLength: 100 }), async (texts) => {
      const { rows } = await client.query<{ texts: string[] }>(
        `SELECT ARRAY[${texts.map(quoteLiteral).join(', ')}]::text[] AS texts`,
      )
      assert.equal(rows, [{ texts }])
    }),
  ))

async function withClient(use: (client: Client) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      await use(client)
    } finally {
      await client.end()
    }
  })
}

/** A failure names the seed and the smallest counterexample. */
async function check<Value>(values: fc.Arbitrary<Value>, holds: (value: Value) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(values, holds), { numRuns: RUNS })
}

test.run()
