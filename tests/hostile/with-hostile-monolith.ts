import { Client } from 'pg'
import { withDatabase } from '../with-servers.ts'
import { type HostileMonolithOptions, createHostileMonolith } from './monolith.ts'

/** A session whose texts are those of pinned sessions, whatever the hostile database's own settings are. */
const SESSION =
  '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=3 ' +
  '-c lc_monetary=C -c search_path=pg_catalog -c quote_all_identifiers=off -c idle_in_transaction_session_timeout=0'

/** A hostile monolith of its own for `use`, and a session in it. */
export async function withHostileMonolith<Result>(
  options: HostileMonolithOptions,
  use: (client: Client, url: string) => Promise<Result>,
): Promise<Result> {
  return withDatabase(async (url) => {
    await createHostileMonolith(url, options)
    return withTextSession(url, (client) => use(client, url))
  })
}

export async function withTextSession<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url, options: SESSION })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
