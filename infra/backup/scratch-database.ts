import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { startEmbeddedPostgres } from '../embedded/postgres-server.ts'
import type { Environment } from '../embedded/run-program.ts'
import { type PostgresTarget, withSession } from '../postgres/session.ts'
import { majorOf } from './dump-programs.ts'
import type { DatabaseLocale, MonolithFacts } from './read-monolith.ts'

/** A private server with an empty database that is like the monolith's, to restore into. */
export interface ScratchDatabase {
  readonly target: PostgresTarget
  readonly version: string
  /** Whether the database sorts and classifies text as the monolith's does. */
  readonly sameLocale: boolean
}

const DATABASE = 'scission_proof'

/** What is restored is read once and thrown away. */
const SETTINGS = {
  wal_level: 'minimal',
  max_wal_senders: '0',
  full_page_writes: 'off',
  autovacuum: 'off',
  maintenance_work_mem: '128MB',
  // Some hundred tables are locked at once by a restore, and a partition is a table.
  max_locks_per_transaction: '512',
} as const

/**
 * Starts a private server and makes the database in it, for as long as `use` takes.
 * @throws Failure 4 where the server lacks an extension of the monolith's: the dump could not be restored.
 */
export async function withScratchDatabase<Result>(
  environment: Environment,
  monolith: MonolithFacts,
  use: (scratch: ScratchDatabase) => Promise<Result>,
): Promise<Result> {
  const server = await startEmbeddedPostgres({ environment, settings: SETTINGS, fsync: false })
  try {
    const target = { title: 'the scratch server', variable: '--prove', url: server.url }
    const sameLocale = await withSession(target, { purpose: 'backup proof' }, async (client) => {
      refuseMissing(await missingExtensions(client, monolith.extensions), server.version)
      await createRoles(client, monolith)
      return await createDatabase(client, monolith.locale)
    })
    return await use({ target: { ...target, url: urlOfDatabase(server.url) }, version: server.version, sameLocale })
  } finally {
    await server.stop()
  }
}

async function missingExtensions(client: pg.Client, wanted: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE name NOT IN (SELECT name FROM pg_available_extensions)',
    [wanted],
  )
  return rows.map(({ name }) => name)
}

/** @throws Failure 4 that names the extensions that a server does not have. */
export function refuseMissing(extensions: readonly string[], version: string): void {
  if (extensions.length === 0) return
  const [major] = majorOf(version)
  throw new Failure(
    4,
    `The proof cannot restore the monolith's ${extensions.length === 1 ? 'extension' : 'extensions'} ${extensions.join(', ')}, which the PostgreSQL ${version} here does not have: install the package for PostgreSQL ${major}, or leave --prove out.`,
  )
}

/** Owners and grantees, so that rights and policies are restored with the rest; nobody logs in as one of them. */
async function createRoles(client: pg.Client, { roles, superusers }: MonolithFacts): Promise<void> {
  for (const role of roles.filter((name) => name !== 'postgres'))
    await client.query(
      `CREATE ROLE ${quoteIdentifier(role)} NOLOGIN ${superusers.includes(role) ? 'SUPERUSER' : 'NOSUPERUSER'}`,
    )
}

/** The monolith's locale where this system has it; else the nearest one that every system has. */
async function createDatabase(client: pg.Client, locale: DatabaseLocale): Promise<boolean> {
  const options = localeOptions(locale)
  for (const [place, option] of options.entries()) {
    try {
      await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0 ${option}`)
      return place === 0
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || place === options.length - 1) throw error
    }
  }
  throw new Error('There are no locales to try')
}

/** What `CREATE DATABASE` is tried with, the best first. */
export function localeOptions({ encoding, collate, ctype, provider, icuLocale }: DatabaseLocale): string[] {
  const base = `ENCODING ${quoteLiteral(encoding)}`
  const libc = (name: string, classes: string): string =>
    `${base} LC_COLLATE ${quoteLiteral(name)} LC_CTYPE ${quoteLiteral(classes)}`
  const providers: Readonly<Record<string, string>> = {
    i: ` LOCALE_PROVIDER icu ICU_LOCALE ${quoteLiteral(icuLocale ?? 'und')}`,
    b: ` LOCALE_PROVIDER builtin BUILTIN_LOCALE ${quoteLiteral(icuLocale ?? 'C')}`,
  }
  return [
    `${libc(collate, ctype)}${providers[provider] ?? ''}`,
    ...(encoding === 'UTF8' ? [libc('C.UTF-8', 'C.UTF-8')] : []),
    libc('C', 'C'),
  ]
}

function urlOfDatabase(server: string): string {
  const url = new URL(server)
  url.pathname = `/${DATABASE}`
  return url.href
}
