import { Client } from 'pg'
import { LOOPBACK } from './free-port.ts'
import type { GuardedProgram } from './guard.ts'
import { keepIfDone, type GuardedFolder } from './guarded-folder.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { createCluster, postgresEnvironment, type Cluster } from './postgres-cluster.ts'
import type { PostgresSettings } from './postgres-settings.ts'
import type { Environment } from './run-program.ts'
import { randomPassword, sayOnStandardError, startOnFreePorts } from './server-start.ts'

/** PostgreSQL itself kills what has not ended 5 s after an immediate shutdown began. */
const STOP_GRACE_MS = 8_000
const ANSWER_LIMIT_MS = 2_000

export type EmbeddedPostgresOptions = {
  /** Lines of postgresql.conf that override ours, as `{ wal_level: 'replica' }`. */
  readonly settings?: PostgresSettings
  /** Off for data that nobody will miss, as that of tests: faster, and unsafe when the machine fails. On by default. */
  readonly fsync?: boolean
  /** The superuser's password; a random one by default. */
  readonly password?: string
  /** Where to look for the binaries: the process's environment by default. */
  readonly environment?: Environment
  /** Where its private folder is made if it can be; the project's folder or the system's temporary one by default. */
  readonly place?: string
  /** Told what was passed over in looking for the binaries; standard error by default. */
  readonly say?: (sentence: string) => void
}

export type EmbeddedPostgres = {
  /** The superuser's URL of the database `postgres`, password included. */
  readonly url: string
  readonly port: number
  readonly version: string
  /** Ends the server and removes its data. May be called again. */
  stop(): Promise<void>
}

/**
 * A private PostgreSQL server on a free port of loopback, for as long as `use` takes.
 *
 * @throws Failure where no binaries serve or the server does not start.
 */
export async function withEmbeddedPostgres<Result>(
  options: EmbeddedPostgresOptions,
  use: (server: EmbeddedPostgres) => Promise<Result>,
): Promise<Result> {
  const server = await startEmbeddedPostgres(options)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/**
 * Starts a private PostgreSQL server: UTF8, C.UTF-8, SCRAM passwords. It ends, and its data goes, with `stop` or with
 * this process, however that ends; it does not keep this process alive.
 *
 * @throws Failure where no binaries serve or the server does not start.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  return keepIfDone((folder) => startIn(folder, options), options.place)
}

async function startIn(folder: GuardedFolder, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { settings = {}, fsync = true, password = randomPassword(), say = sayOnStandardError } = options
  const found = await findPostgresBinaries(options.environment ?? process.env, folder.user, folder.path)
  found.passedOver.forEach(say)
  const cluster: Cluster = { folder, binaries: found.folder, password, settings, fsync }
  await createCluster(cluster)
  const [port = 0] = await startOnFreePorts({
    name: 'PostgreSQL',
    folder,
    portCount: 1,
    program: async ([itsPort = 0]) => serverProgram(cluster, itsPort),
    answers: ([itsPort = 0]) => answers(superuserUrl(password, itsPort)),
  })
  return { url: superuserUrl(password, port), port, version: found.version, stop: folder.remove }
}

function superuserUrl(password: string, port: number): string {
  return `postgres://postgres:${encodeURIComponent(password)}@${LOOPBACK}:${port}/postgres`
}

/**
 * The data is thrown away the next moment, so the server ends by an immediate shutdown (SIGQUIT): a fast one would
 * first write everything to disk, and wait for a replication client that has stopped listening.
 */
function serverProgram({ folder, binaries }: Cluster, port: number): GuardedProgram {
  return {
    program: `${binaries}/postgres`,
    args: ['-D', `${folder.path}/data`, '-p', String(port)],
    environment: postgresEnvironment,
    signal: 'QUIT',
    graceMs: STOP_GRACE_MS,
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: ANSWER_LIMIT_MS })
  client.on('error', () => {}) // A connection that breaks has failed its query already.
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}
