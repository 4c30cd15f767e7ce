import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { generateMonolith, type MonolithEvent } from '../../../infra/demo/monolith/generate-monolith.ts'
import { MONOLITH_TABLES } from '../../../infra/demo/monolith/tables.ts'
import { withDatabase } from '../../with-servers.ts'
import { type Monolith, withClient, withMonolith } from './with-monolith.ts'

async function digests({ value }: Monolith): Promise<Record<string, unknown>> {
  const entries: [string, unknown][] = []
  for (const { name } of MONOLITH_TABLES)
    entries.push([
      name,
      await value(`SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")) FROM "${name}" t`),
    ])
  return Object.fromEntries(entries)
}

test('the same options make the same rows, and another seed makes others', async () => {
  const [first, again, other] = [
    await withMonolith({ elements: 200, seed: 1 }, digests),
    await withMonolith({ elements: 200, seed: 1 }, digests),
    await withMonolith({ elements: 200, seed: 2 }, digests),
  ]
  assert.equal(first, again)
  assert.equal(
    Object.keys(first).filter((table) => first[table] === other[table]),
    [],
  )
})

test('the rows of each table are counted as they are', async () => {
  await withDatabase(async (url) => {
    const events: MonolithEvent[] = []
    const { rows, bytes } = await generateMonolith(url, { elements: 60, relationships: 77, seed: 5 }, (event) =>
      events.push(event),
    )
    await withClient(url, async (client) => {
      for (const [table, expected] of Object.entries(rows)) {
        const counted = await client.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM "${table}"`)
        assert.is(counted.rows[0]?.rows, expected, table)
      }
    })
    assert.equal([rows.Element, rows.Relationship, rows.User], [60, 77, 20])
    assert.ok(bytes > 1_000_000)
    assert.equal(
      [...new Set(events.map(({ kind }) => kind))],
      ['started', 'rows stored', 'rows complete', 'keys created', 'foreign keys created'],
    )
    const stored = events.flatMap((event) => (event.kind === 'rows stored' ? [event] : []))
    assert.equal(new Set(stored.map(({ table }) => table)), new Set(Object.keys(rows)))
    assert.ok(stored.some(({ table, rows: count, tableRows }) => table === 'View' && count === tableRows))
  })
})

test('a database that holds tables is left as it is', async () => {
  await withDatabase(async (url) => {
    await withClient(url, (client) => client.query('CREATE TABLE "Invoice" (id text)'))
    const failure = await failureOf(generateMonolith(url, { elements: 50, seed: 1 }))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'holds the table "Invoice" already')
    await withClient(url, async (client) => {
      const { rows } = await client.query(`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)
      assert.is(rows.length, 1)
    })
  })
})

test('options out of their bounds are refused before a server is asked', async () => {
  const nowhere = 'postgres://nobody@127.0.0.1:1/nothing'
  for (const options of [
    { elements: 49, seed: 1 },
    { elements: 60.5, seed: 1 },
    { elements: 50, relationships: 0, seed: 1 },
    { elements: 50, seed: -1 },
    { elements: Number.NaN, seed: 1 },
  ]) {
    const failure = await failureOf(generateMonolith(nowhere, options))
    assert.is(failure.exitCode, 2)
    assert.match(failure.message, /must be a whole number from/)
  }
})

async function failureOf(attempt: Promise<unknown>): Promise<Failure> {
  const outcome = await attempt.then(
    () => 'no failure',
    (error: unknown) => error,
  )
  if (outcome instanceof Failure) return outcome
  throw new Error('A Failure was expected', { cause: outcome })
}

test.run()
