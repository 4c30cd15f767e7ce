import { Client } from 'pg'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { type EmbeddedNats, startEmbeddedNats } from '../../infra/embedded/nats-server.ts'
import type { EmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'

/** One server holds the source and every target, so that all are measured with one set of settings. */
export const SOURCE_DATABASE = 'source'

/** Written into postgresql.conf for all who are measured, over the settings of our private servers. */
export const POSTGRES_SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '16GB',
  checkpoint_timeout: '30min',
  maintenance_work_mem: '256MB',
  // By itself it would begin in the middle of somebody's measurement, and of nobody else's.
  autovacuum: 'off',
}

export function databaseUrl(postgres: EmbeddedPostgres, database: string): string {
  return Object.assign(new URL(postgres.url), { pathname: `/${database}` }).href
}

/** The password of a URL apart: whatever stands on a command line shows in the list of processes. */
export function splitPassword(url: string): { readonly href: string; readonly password: string } {
  const parsed = new URL(url)
  const password = decodeURIComponent(parsed.password)
  parsed.password = ''
  return { href: parsed.href, password }
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  // Where a run is interrupted its servers end first: whoever waits for a statement is told by that.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Makes databases anew, empty, and brings all that is to be written to disk, so that each run begins alike. */
export async function makeAnew(postgres: EmbeddedPostgres, databases: readonly string[]): Promise<void> {
  await withClient(postgres.url, async (client) => {
    for (const database of databases) {
      await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(database)} WITH (FORCE)`)
      await client.query(`CREATE DATABASE ${quoteIdentifier(database)}`)
    }
    await client.query('CHECKPOINT')
  })
}

export async function dropDatabases(postgres: EmbeddedPostgres, databases: readonly string[]): Promise<void> {
  await withClient(postgres.url, async (client) => {
    for (const database of databases)
      await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(database)} WITH (FORCE)`)
  })
}

/** A broker without anything in it, for one run. @param sync whether it syncs each write, or how often it does. */
export async function withFreshNats<Result>(
  sync: boolean | string,
  use: (nats: EmbeddedNats) => Promise<Result>,
): Promise<Result> {
  const nats = await startEmbeddedNats(typeof sync === 'string' ? { syncInterval: sync } : { syncAlways: sync })
  try {
    return await use(nats)
  } finally {
    await nats.stop()
  }
}
