import { hostname } from 'node:os'
import { Client, type ClientConfig, DatabaseError } from 'pg'
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
  /** Breaks the session off, a running statement included; whatever waits for it then fails. */
  readonly signal?: AbortSignal
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
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
}

/** What a URL may set and must not: it would undo what is pinned, or strike a long statement. */
const OVERRIDING_PARAMETERS = [
  'application_name',
  'binary',
  'client_encoding',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'options',
  'query_timeout',
  'replication',
  'statement_timeout',
]

/**
 * A client's machine that is gone says no farewell. The server probes it, so that its session, and with it a lock or a
 * snapshot, ends after half a minute and not after hours. Manual: "TCP Settings".
 */
const LATER_SETTINGS: Readonly<Record<string, string>> = {
  transaction_timeout: '0',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '4',
}

/** How soon a server notices, in the middle of a statement or a wait for a lock, that its client is gone. */
const CONNECTION_CHECK_MS = 1_000

/** Every value arrives as PostgreSQL's own text: the driver's parsers would turn numbers and times into other values. */
const TEXT_TYPES = { getTypeParser: () => (value: unknown) => value }

/**
 * Opens a pinned session. The caller ends it; `withSession` does so by itself.
 * @throws Failure 2 for a URL that cannot be used, 4 where the server does not let us in, each with its cause.
 */
export async function openSession(target: PostgresTarget, options: SessionOptions): Promise<Client> {
  const { signal } = options
  signal?.throwIfAborted()
  const client = clientFor(target, options)
  // A connection that breaks while idle emits an error, which would end the process; the next query reports it.
  client.on('error', () => undefined)
  const breakOff = (): void => {
    client.end().catch(() => undefined)
    // By itself the client takes leave of a server that may not answer any more.
    client.connection.stream.destroy()
  }
  signal?.addEventListener('abort', breakOff, { once: true })
  client.once('end', () => signal?.removeEventListener('abort', breakOff))
  try {
    await connectUnlessEnded(client)
    await pinLaterSettings(client)
    return client
  } catch (cause) {
    await client.end().catch(() => undefined)
    signal?.throwIfAborted()
    throw connectFailure(target, cause)
  }
}

/** The driver forgets whoever waits for a connection that is ended while it is being made. */
async function connectUnlessEnded(client: Client): Promise<void> {
  const ended = new Promise<never>((_, reject) => {
    client.once('end', () => reject(new Error('Connection terminated')))
  })
  ended.catch(() => undefined)
  await Promise.race([client.connect(), ended])
}

/**
 * Runs an action in a pinned session of its own, and closes it.
 * @throws the signal's reason where the session was broken off.
 */
export async function withSession<Result>(
  target: PostgresTarget,
  options: SessionOptions,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await openSession(target, options)
  try {
    return await action(client)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw error
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

/** The driver reads the certificates that a URL names at once. */
function clientFor(target: PostgresTarget, options: SessionOptions): Client {
  try {
    return newClient(target, options)
  } catch (cause) {
    throw connectFailure(target, cause)
  }
}

function newClient(target: PostgresTarget, { purpose, replication }: SessionOptions): Client {
  const configuration = clientConfiguration(target, purpose)
  return new Client({ ...configuration, ...(replication === true ? { replication: 'database' } : {}) })
}

/** What a driver is given to open a pinned session, for a library that opens its own. */
export function clientConfiguration(target: PostgresTarget, purpose: string): ClientConfig {
  const { connectionString, ownOptions } = connectionParameters(target)
  const pinned = Object.entries(PINNED_SETTINGS).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  return {
    connectionString,
    application_name: `scission ${purpose} (${hostname()} ${process.pid})`.slice(0, 63),
    // Of two settings of one name the later one holds.
    options: [...ownOptions, ...pinned].join(' '),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: TEXT_TYPES,
  }
}

/** The driver lets what stands in a URL override what it is given beside it, so that is taken out of the URL. */
function connectionParameters({ title, variable, url }: PostgresTarget): {
  readonly connectionString: string
  readonly ownOptions: readonly string[]
} {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new Failure(
      2,
      `${variable}, the URL of ${title}, is not a PostgreSQL URL: give it as postgres://user:password@host:port/database.`,
    )
  const ownOptions = parsed.searchParams.getAll('options')
  const overriding = OVERRIDING_PARAMETERS.filter((name) => parsed.searchParams.has(name))
  for (const name of overriding) parsed.searchParams.delete(name)
  return { connectionString: overriding.length > 0 ? parsed.href : url, ownOptions }
}

/**
 * Settings that not every server knows, which would refuse them as start-up options. They are set by the simple protocol,
 * since a walsender knows no other. Manual: "Client Connection Defaults", `transaction_timeout` (from 17 on), and
 * "Connection Settings", `client_connection_check_interval` (from 14 on, and not on every platform).
 */
export async function pinLaterSettings(client: Client): Promise<void> {
  const settings = Object.entries(LATER_SETTINGS).map(([name, value]) => `('${name}', '${value}')`)
  await client.query(
    `SELECT set_config(wanted.name, wanted.value, false) FROM (VALUES ${settings.join(', ')}) AS wanted (name, value)
      WHERE EXISTS (SELECT FROM pg_catalog.pg_settings AS known WHERE known.name = wanted.name)`,
  )
  await client.query(`SET client_connection_check_interval = ${CONNECTION_CHECK_MS}`).catch((error: unknown) => {
    if (!(error instanceof DatabaseError)) throw error
  })
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
