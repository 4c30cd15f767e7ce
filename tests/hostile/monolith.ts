import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { churn } from './churn.ts'
import { fillTables } from './fill-tables.ts'
import { fillLinkedTables } from './linked-rows.ts'
import { fillOddTables } from './odd-rows.ts'
import { seededRandom } from './random.ts'
import { ROUNDED_TYPE } from './postgres-14.ts'

export interface HostileMonolithOptions {
  /** The same seed makes the same rows. */
  readonly seed?: number
  /** Random rows of each table, beside those that hold each special value of its columns. */
  readonly rowsPerTable?: number
}

/** What this session writes with, whatever the server's own settings are. Values are sent in these forms. */
const SESSION =
  '-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c lc_monetary=C -c search_path=pg_catalog'

/**
 * Settings that an owner may give a database, and that change the text of nearly every value, or end a session that
 * waits. They bind every later session that does not pin its own.
 */
const DATABASE_SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: "'Asia/Kathmandu'",
  DateStyle: "'SQL, DMY'",
  IntervalStyle: "'sql_standard'",
  bytea_output: "'escape'",
  extra_float_digits: '-15',
  quote_all_identifiers: 'on',
  search_path: '"Odd ""schema"".x 😀", public',
  statement_timeout: "'60s'",
  idle_in_transaction_session_timeout: "'2s'",
  default_transaction_isolation: "'serializable'",
}

/**
 * Makes the hostile monolith, whose contracts are `contract-set.ts`, in an empty database, as its superuser. Its
 * tables are plain SQL (`monolith.sql`), written apart from the contracts.
 */
export async function createHostileMonolith(url: string, options: HostileMonolithOptions = {}): Promise<void> {
  const { seed = 1, rowsPerTable = 20 } = options
  const client = new Client({ connectionString: url, options: SESSION })
  await client.connect()
  try {
    const tables = await readFile(new URL('monolith.sql', import.meta.url), 'utf8')
    await client.query(tables.replace('numeric(5,-2)', ROUNDED_TYPE))
    const random = seededRandom(seed)
    await client.query('BEGIN')
    await fillTables(client, random, rowsPerTable)
    await fillOddTables(client, random, rowsPerTable)
    await fillLinkedTables(client, random, rowsPerTable)
    await client.query('COMMIT')
    await churn(client)
    await setDatabase(client)
  } finally {
    await client.end()
  }
}

async function setDatabase(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
  for (const [name, value] of Object.entries(DATABASE_SETTINGS))
    await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${name} = ${value}`)
}
