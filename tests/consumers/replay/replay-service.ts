import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type pg from 'pg'
import { createShadow } from '../../../consumers/replay/create-shadow.ts'
import { dropReplaced } from '../../../consumers/replay/drop-schemas.ts'
import { finishShadow } from '../../../consumers/replay/finish-shadow.ts'
import { shadowObjects } from '../../../consumers/replay/shadow-objects.ts'
import { placesOf, type Shadow, shadowOf } from '../../../consumers/replay/shadow-schema.ts'
import { readFingerprint } from '../../../consumers/replay/structure.ts'
import { swap, type Swapping } from '../../../consumers/replay/swap.ts'
import type { Service } from '../../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { findDumpPrograms } from '../../../infra/backup/dump-programs.ts'
import { inTransaction, withSession } from '../../../infra/postgres/session.ts'
import { withDatabase } from '../../with-servers.ts'
import { runSql } from '../with-service.ts'

/** A service's database whose tables are replayed by hand. */
export interface Replayed {
  readonly url: string
  readonly client: pg.Client
  readonly service: Service
  readonly shadow: Shadow
  readonly sql: (...statements: readonly string[]) => Promise<string[]>
}

/** The rows of the service's tables are copied from the tables in use: loading is not what is tested here. */
export async function withReplayed<Result>(
  service: Service,
  statements: readonly string[],
  use: (replayed: Replayed) => Promise<Result>,
): Promise<Result> {
  return await withDatabase(async (url) => {
    await runSql(url, statements)
    return await withReplayedAt(url, service, use)
  })
}

export async function withReplayedAt<Result>(
  url: string,
  service: Service,
  use: (replayed: Replayed) => Promise<Result>,
): Promise<Result> {
  const database = { title: 'the database of service sales', variable: 'SALES_DATABASE_URL', url }
  return await withSession(database, { purpose: 'replay' }, async (client) =>
    use({ url, client, service, shadow: shadowOf(service), sql: async (...texts) => await runSql(url, texts) }),
  )
}

/** Roles of one's own, which are gone afterwards; they cannot log in unless they have the password that is their name. */
export async function withRoles<Result>(
  count: number,
  use: (roles: readonly string[]) => Promise<Result>,
): Promise<Result> {
  return await withDatabase(async (url) => {
    const roles = Array.from({ length: count }, () => `test_${randomBytes(6).toString('hex')}`)
    try {
      await runSql(
        url,
        roles.map((role) => `CREATE ROLE ${role} LOGIN PASSWORD '${role}'`),
      )
      return await use(roles)
    } finally {
      await runSql(
        url,
        roles.map((role) => `DROP ROLE IF EXISTS ${role}`),
      )
    }
  })
}

/** Makes, loads, builds and finishes the shadows. */
export async function rebuild({ client, service, shadow }: Replayed): Promise<string> {
  const places = placesOf(service, shadow)
  const fingerprint = await inTransaction(client, 'BEGIN', async () => {
    await createShadow(client, service, shadow)
    return await readFingerprint(
      client,
      places.map(({ live }) => live),
    )
  })
  for (const { live, shadow: own } of places) await copyRows(client, live, own)
  for (const { restore } of await shadowObjects(client, service, shadow))
    await inTransaction(client, 'BEGIN', async () => {
      for (const statement of restore) await client.query(statement)
    })
  await inTransaction(client, 'BEGIN', async () => await finishShadow(client, service, shadow))
  return fingerprint
}

async function copyRows(client: pg.Client, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [from],
  )
  const columns = rows.map(({ name }) => quoteIdentifier(name)).join(', ')
  if (columns === '') return
  await client.query(`INSERT INTO ${to} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${from}`)
}

export async function swapIn(
  { client, service, shadow }: Replayed,
  fingerprint: string,
  options: Partial<Swapping> = {},
  alongside: (session: pg.Client) => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const where = `the database of service ${service.name}`
  return await swap(client, { service, shadow, fingerprint, where, ...options }, alongside)
}

/** The whole way, until nothing but the new tables is left. */
export async function replay(replayed: Replayed): Promise<void> {
  const fingerprint = await rebuild(replayed)
  for (const statement of await swapIn(replayed, fingerprint)) await replayed.client.query(statement)
  await dropReplaced(replayed.client, replayed.shadow.schemas)
  await replayed.sql(...replayed.shadow.schemas.map(({ shadow }) => `DROP SCHEMA ${shadow}`))
}

/** What pg_dump says of a database's schema, without the lines that are random. */
export async function dumpSchema(url: string): Promise<string> {
  const [version = ''] = await runSql(url, ['SHOW server_version'])
  const { folder } = await findDumpPrograms(process.env, version)
  const { stdout } = await promisify(execFile)(`${folder}/pg_dump`, ['--schema-only', '--dbname', url], {
    maxBuffer: 64 << 20,
  })
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '')
}
