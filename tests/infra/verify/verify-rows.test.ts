// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import hostile from '../../hostile/contract-set.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { withDatabase } from '../../with-servers.ts'
import { assertFindsAll, inEachService, keepAllRows, verified } from './assert-finds.ts'
import { withServicesMadeByHand } from './made-by-hand.ts'

/** Settings that change the text of nearly every value in a session that does not pin its own. */
const UNUSUAL_SETTINGS = [
  `TimeZone = 'Asia/Kathmandu'`,
  `DateStyle = 'SQL, DMY'`,
  `IntervalStyle = 'sql_standard'`,
  `bytea_output = 'escape'`,
  `extra_float_digits = '-15'`,
  `default_transaction_isolation = 'serializable'`,
  `default_transaction_read_only = 'on'`,
  `quote_all_identifiers = 'on'`,
]

/** The least of the hostile set's tables in which each alteration must have been possible. */
const LEAST_TABLES: Readonly<Record<string, number>> = {
  'one bit of a value': 50,
  'NULL for a value, the empty string first': 30,
  '-0 for 0, or 0 for -0': 2,
  'a trailing space': 25,
  'the smallest step of time': 3,
  'two values swapped': 35,
  'a row deleted': 50,
  'a row added': 45,
}

test('every alteration of any value of any type is found and named, and nothing else is', async () => {
  await withDatabase(async (monolith) => {
    await createHostileMonolith(monolith)
    await withServicesMadeByHand(hostile, monolith, async (made) => {
      await keepAllRows(made)
      await inEachService(made, async (client) => {
        const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
        for (const setting of UNUSUAL_SETTINGS)
          await client.query(`ALTER DATABASE ${rows[0]?.name ?? ''} SET ${setting}`)
      })
      assert.is((await verified(made)).verified, true)
      const found = await assertFindsAll(made)
      for (const [kind, least] of Object.entries(LEAST_TABLES))
        assert.ok((found.get(kind)?.size ?? 0) >= least, `${kind}: ${found.get(kind)?.size} tables`)
      assert.is((await verified(made)).verified, true)
    })
  })
})

test.run()
