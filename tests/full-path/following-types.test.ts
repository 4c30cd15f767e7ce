// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { wireColumns } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { withClient } from '../command-line/shop.ts'
import set from '../hostile/contract-set.ts'
import { createHostileMonolith } from '../hostile/monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { withFollowing } from './following.ts'

// Five hours and forty-five minutes: a time that was shifted shows.
process.env['TZ'] = 'Asia/Kathmandu'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000)

const ROWS_PER_TABLE = 60
/** So many changes of one kind are applied by columns, where their message has no others: those of a moment ago are on their way by then. */
const APART_MS = 30
/** Values that must have passed as changes, the special ones of each type among them. */
const LEAST_VALUES = 10_000

/** Writes every row of every table anew, so that each value is in a change and in no page; then each once more. */
async function writeAllAnew(url: string): Promise<number> {
  return await withClient(url, async (client) => {
    // The tables' own foreign keys and triggers would change what is written.
    await client.query(`SET session_replication_role = 'replica'; SET search_path = 'pg_catalog'; SET row_security = off;
      SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET default_transaction_isolation = 'read committed'`)
    let values = 0
    for (const entity of set.services.flatMap(({ entities }) => entities)) {
      const columns = wireColumns(entity).map(({ name }) => quoteIdentifier(name))
      const list = columns.join(', ')
      const table = tableSql(entity)
      await client.query(`CREATE TEMPORARY TABLE kept AS SELECT ${list} FROM ONLY ${table}`)
      await client.query(`DELETE FROM ONLY ${table}`)
      await sleep(APART_MS)
      const { rowCount } = await client.query(
        `INSERT INTO ${table} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM kept`,
      )
      await client.query('DROP TABLE kept')
      await sleep(APART_MS)
      values += (rowCount ?? 0) * columns.length
      const plain = entity.columns.find(
        ({ generated, identity, name }) =>
          generated === undefined && identity === undefined && !entity.key.includes(name),
      )
      if (plain === undefined) continue
      const column = quoteIdentifier(plain.name)
      await client.query(`UPDATE ONLY ${table} SET ${column} = ${column}`)
      await sleep(APART_MS)
    }
    return values
  })
}

test(`every type, name and key of the hostile set arrives equal by the changes too, whatever the process is set to (seed ${seed})`, () =>
  withDatabase(async (url) => {
    assert.match(new Date(0).toString(), /GMT\+0530|GMT\+0545/)
    await createHostileMonolith(url, { seed, rowsPerTable: ROWS_PER_TABLE })
    await withFollowing(set, url, async (following) => {
      await following.settle()
      const values = await writeAllAnew(url)
      assert.ok(values > LEAST_VALUES, String(values))
      const outcomes = await following.settle()
      assert.ok(outcomes.every(({ appliedChanges }) => appliedChanges > 0))
    })
  }))

test.run()
