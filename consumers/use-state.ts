import type pg from 'pg'
import { quoteIdentifier } from '../contracts/language/quoting.ts'

/** Where a service's database keeps how far the service is. */
export const STATE_SCHEMA = 'scission'

/**
 * Lets a session see the tables of a state by their bare names: a replay applies the log with a state of its own, beside
 * the service's. Functions that read or write a state need a session that was given one. Manual: "The Schema Search Path".
 */
export async function useState(client: pg.Client, schema = STATE_SCHEMA): Promise<void> {
  await client.query(`SET search_path = pg_catalog, ${quoteIdentifier(schema)}`)
}
