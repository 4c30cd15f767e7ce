import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import set from '../hostile/contract-set.ts'
import { createHostileMonolith } from '../hostile/monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { splitAndCompare, withSplit } from './split.ts'

// Five hours and forty-five minutes: a time that was shifted shows.
process.env['TZ'] = 'Asia/Kathmandu'

/** Defaults that a service's database may have, and that change the text of nearly every value. */
const SETTINGS: readonly string[] = [
  `DateStyle = 'German, YMD'`,
  `TimeZone = 'America/St_Johns'`,
  `IntervalStyle = 'iso_8601'`,
  'extra_float_digits = -10',
  `bytea_output = 'escape'`,
  `search_path = 'nowhere, public'`,
  `default_transaction_isolation = 'serializable'`,
  `lock_timeout = '1s'`,
  `statement_timeout = '5ms'`,
  'standard_conforming_strings = off',
  `xmloption = 'document'`,
  'array_nulls = off',
]

async function changeDefaults(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
    const locales = await client.query<{ locale: string }>(
      `SELECT collcollate AS locale FROM pg_collation WHERE collprovider = 'c' AND collencoding IN (-1, 6)
        ORDER BY collcollate LIKE 'C%', collcollate LIMIT 1`,
    )
    for (const setting of [...SETTINGS, `lc_monetary = '${locales.rows[0]?.locale ?? 'C'}'`])
      await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${setting}`)
  } finally {
    await client.end()
  }
}

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000)

test(`every type, name and key of the hostile set arrives equal, whatever databases and process are set to (seed ${seed})`, async () => {
  assert.match(new Date(0).toString(), /GMT\+0530|GMT\+0545/)
  await withDatabase(async (monolith) => {
    await createHostileMonolith(monolith, { seed, rowsPerTable: 40 })
    await withSplit(
      set,
      monolith,
      async (split) => {
        for (const { database } of split.services) await changeDefaults(database.url)
        const outcomes = await splitAndCompare(split)
        assert.ok(outcomes.every(({ rows }) => rows > 0))
      },
      { pageBytes: 4_000 },
    )
  })
})

test.run()
