import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'nats'
import { Client } from 'pg'
import { startEmbeddedNats } from '../infra/embedded/nats-server.ts'
import { startEmbeddedPostgres } from '../infra/embedded/postgres-server.ts'

/** A walsender takes a moment to leave its slot. */
const DROP_ATTEMPTS = 20
const DROP_AGAIN_MS = 100

/** A broker for a test: the URL holds user and password, as NATS_URL may. */
export type TestNats = { readonly url: string; readonly user: string; readonly password: string }

/** The servers that a whole run of tests shares, by the names that the runner hands them on. */
export const POSTGRES_VARIABLE = 'SCISSION_TEST_POSTGRES_URL'
export const NATS_VARIABLE = 'SCISSION_TEST_NATS_URL'
/** The release of that PostgreSQL, for example `14`. */
export const RELEASE_VARIABLE = 'SCISSION_TEST_POSTGRES_RELEASE'

/**
 * A new, empty database of the shared server for as long as `use` takes; `url` is the superuser's. Whatever still uses
 * it afterwards, slots included, is cut off.
 */
export async function withDatabase<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  return await withDatabases(['only'], ({ only }) => use(only))
}

/** A new database for each name, by that name; all are gone afterwards. */
export async function withDatabases<Name extends string, Result>(
  names: readonly Name[],
  use: (urls: Readonly<Record<Name, string>>) => Promise<Result>,
): Promise<Result> {
  const server = await postgresUrl()
  const databases = names.map((name) => [name, `test_${randomBytes(6).toString('hex')}`] as const)
  try {
    await withServer(server, (client) => createDatabases(client, databases))
    const urls = databases.map(([name, database]) => [name, urlOfDatabase(server, database)] as const)
    // Each name was given a URL just now.
    return await use(Object.fromEntries(urls) as Record<Name, string>)
  } finally {
    await withServer(server, (client) => dropDatabases(client, databases))
  }
}

type NamedDatabases = readonly (readonly [name: string, database: string])[]

/** A copy of the template's files takes a third of what it takes to write them to the WAL; PostgreSQL 14 has no other way. */
async function createDatabases(client: Client, databases: NamedDatabases): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  )
  const strategy = (rows[0]?.version ?? 0) >= 150_000 ? 'STRATEGY file_copy' : ''
  for (const [, database] of databases) await client.query(`CREATE DATABASE ${database} ${strategy}`)
}

/** The shared broker. Its streams are everyone's: see `withPrefix` for names of one's own. */
export async function withNats<Result>(use: (nats: TestNats) => Promise<Result>): Promise<Result> {
  return use(parseNats(await natsUrl()))
}

/** A subject prefix that no other test has, as `t1a2b3c4`. */
export function uniquePrefix(): string {
  return `t${randomBytes(4).toString('hex')}`
}

/**
 * A subject prefix of one's own for as long as `use` takes. Streams whose name begins with it, in capitals as stream
 * names have it or as it is, are removed afterwards.
 */
export async function withPrefix<Result>(use: (prefix: string, nats: TestNats) => Promise<Result>): Promise<Result> {
  const prefix = uniquePrefix()
  const nats = parseNats(await natsUrl())
  try {
    return await use(prefix, nats)
  } finally {
    await removeStreams(nats, prefix)
  }
}

async function removeStreams(nats: TestNats, prefix: string): Promise<void> {
  const connection = await connect({ servers: new URL(nats.url).host, user: nats.user, pass: nats.password })
  try {
    const manager = await connection.jetstreamManager()
    const names: string[] = []
    for await (const name of manager.streams.names()) names.push(name)
    for (const name of names) if (name.toLowerCase().startsWith(prefix)) await manager.streams.delete(name)
  } finally {
    await connection.close()
  }
}

function parseNats(url: string): TestNats {
  const { username, password } = new URL(url)
  return { url, user: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** A test file that is run by hand has no runner: so it starts servers of its own, which end with its process. */
let ownPostgres: Promise<{ readonly url: string }> | undefined
let ownNats: Promise<{ readonly url: string }> | undefined

async function postgresUrl(): Promise<string> {
  return process.env[POSTGRES_VARIABLE] ?? (await (ownPostgres ??= startEmbeddedPostgres({ fsync: false }))).url
}

async function natsUrl(): Promise<string> {
  return process.env[NATS_VARIABLE] ?? (await (ownNats ??= startEmbeddedNats())).url
}

function urlOfDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.toString()
}

async function dropDatabases(client: Client, databases: NamedDatabases): Promise<void> {
  for (const [, database] of databases) await dropDatabase(client, database)
}

/**
 * FORCE ends sessions, but not a walsender that streams from a logical slot, whose slot also forbids the drop: so those
 * are ended first. One may take the slot again in the meantime; hence the attempts.
 */
async function dropDatabase(client: Client, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(
        `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '${name}' AND active`,
      )
      return void (await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
    } catch (error) {
      if (attempt === DROP_ATTEMPTS) throw error
      await sleep(DROP_AGAIN_MS)
    }
  }
}

async function withServer<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
