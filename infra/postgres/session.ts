import { hostname } from 'node:os'
import { Client, type ClientConfig } from 'pg'
import { Failure } from '../../contracts/failure.ts'

/** A database as the configuration names it. The URL holds a password and is never printed. */
export interface PostgresTarget {
  /** For sentences: `the monolith`, or `the database of service iam`. */
  readonly title: string
  /** The configuration's name of the URL, for example `IAM_DATABASE_URL`. */
  readonly variable: string
  readonly url: string
}

export interface SessionOptions {
  /** Ends the application name by which an operator finds the session in `pg_stat_activity`. */
  readonly purpose: string
  /** A walsender on the URL's database, for replication commands. */
  readonly replication?: boolean
}

/** Ten seconds are enough for a healthy server on any network, and short enough to be told of a wrong host. */
const CONNECT_TIMEOUT_MS = 10_000

/** The kernel probes a silent peer from then on, so that a half-open connection is noticed at all. */
const KEEP_ALIVE_DELAY_MS = 10_000

/**
 * What every session is pinned to: text forms that both sides share, no silent filter on rows, no scan that starts in
 * the middle, and no time-out that would strike a long snapshot. They are start-up options, so that no first statement
 * runs without them and replication sessions have them too. Manual: "Client Connection Defaults".
 */
const PINNED_SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  search_path: 'pg_catalog',
  row_security: 'off',
  synchronize_seqscans: 'off',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
}

/** Every value arrives as PostgreSQL's own text: the driver's parsers would turn numbers and times into other values. */
const TEXT_TYPES = { getTypeParser: () => (value: unknown) => value }

/**
 * Opens a pinned session. The caller ends it; `withSession` does so by itself.
 * @throws Failure 2 for a URL that cannot be used, 4 where the server does not let us in, each with its cause.
 */
export async function openSession(target: PostgresTarget, options: SessionOptions): Promise<Client> {
  const client = newClient(target, options)
  // A connection that breaks while idle emits an error, which would end the process; the next query reports it.
  client.on('error', () => undefined)
  try {
    await client.connect()
    if (options.replication !== true) await pinLaterSettings(client)
    return client
  } catch (cause) {
    await client.end().catch(() => undefined)
    throw connectFailure(target, cause)
  }
}

/** Runs an action in a pinned session of its own, and closes it. */
export async function withSession<Result>(
  target: PostgresTarget,
  options: SessionOptions,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await openSession(target, options)
  try {
    return await action(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Runs an action in a transaction; it is rolled back where the action throws. */
export async function inTransaction<Result>(
  client: Client,
  begin: string,
  action: () => Promise<Result>,
): Promise<Result> {
  await client.query(begin)
  try {
    const result = await action()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // Where the connection itself is gone the server rolls back, and the first error is the one that tells.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

function newClient(target: PostgresTarget, { purpose, replication }: SessionOptions): Client {
  const settings = Object.entries(PINNED_SETTINGS).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  const configuration = {
    ...connectionParameters(target),
    application_name: `scission ${purpose} (${hostname()} ${process.pid})`.slice(0, 63),
    options: settings.join(' '),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: TEXT_TYPES,
    ...(replication === true ? { replication: 'database' } : {}),
  }
  return new Client(configuration)
}

function connectionParameters({ title, variable, url }: PostgresTarget): ClientConfig {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new Failure(
      2,
      `${variable}, the URL of ${title}, is not a PostgreSQL URL: give it as postgres://user:password@host:port/database.`,
    )
  return { connectionString: url }
}

/** `transaction_timeout` came with PostgreSQL 17; an older server would refuse a start-up option that it does not know. */
async function pinLaterSettings(client: Client): Promise<void> {
  await client.query(
    "SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout'",
  )
}

function connectFailure(target: PostgresTarget, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const place = `${target.title} (${target.variable}, ${publicPlace(target.url)})`
  const code = codeOf(cause)
  const said = cause instanceof Error ? cause.message : String(cause)
  const sentence = CONNECT_SENTENCES[code]?.(place) ?? `${place} cannot be reached: ${said}.`
  return new Failure(4, sentence.charAt(0).toUpperCase() + sentence.slice(1), { cause })
}

const CONNECT_SENTENCES: Readonly<Record<string, (place: string) => string>> = {
  ECONNREFUSED: (place) =>
    `${place} refuses connections: check the host and the port, and that PostgreSQL is running there.`,
  ENOTFOUND: (place) => `${place} is not known by that host name: correct the URL.`,
  EAI_AGAIN: (place) => `${place} is not known by that host name: correct the URL.`,
  '28P01': (place) => `${place} refuses the password of that user: correct the URL.`,
  '28000': (place) => `${place} does not let that user in: correct the user, or pg_hba.conf on the server.`,
  '3D000': (place) => `${place} has no database of that name: create it, or correct the URL.`,
  '53300': (place) => `${place} has no connection left: raise max_connections, or lower --readers and --loaders.`,
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Host, port and database of a URL, without the user's password. */
export function publicPlace(url: string): string {
  if (!URL.canParse(url)) return 'not a URL'
  const { host, pathname, username } = new URL(url)
  return `${username === '' ? '' : `${decodeURIComponent(username)}@`}${host}${decodeURIComponent(pathname)}`
}
