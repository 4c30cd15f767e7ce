import { Failure } from '../../contracts/failure.ts'
import type { EmbeddedNats } from '../../infra/embedded/nats-server.ts'
import type { EmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { databaseName } from '../../infra/configuration/names.ts'
import { createKeySql, createTableSql } from '../../infra/service-database/ddl.ts'
import { compiledContracts } from './compiled-package.ts'
import set from './entries-contract.ts'
import { databaseUrl, makeAnew, SOURCE_DATABASE, withClient } from './servers.ts'

const SERVICE_DATABASE = 'service_ledger'

/** The rows of `Entry` from one number to another. */
export const ENTRIES = `SELECT n, n % 1000, n * 7, 'entry ' || n FROM generate_series($1::bigint, $2::bigint) AS n`

/** Where the entries are, and where they go. */
export interface Entries {
  readonly source: string
  readonly service: string
}

/** A monolith of so many entries, of one table that is followed and one that is not, and the database of their service. */
export async function makeEntries(postgres: EmbeddedPostgres, rows: number): Promise<Entries> {
  await makeAnew(postgres, [SOURCE_DATABASE, SERVICE_DATABASE])
  const source = databaseUrl(postgres, SOURCE_DATABASE)
  await withClient(source, async (client) => {
    for (const entity of set.services.flatMap(({ entities }) => entities)) {
      await client.query(createTableSql(entity))
      await client.query(`INSERT INTO "Entry" ${ENTRIES}`, [1, rows])
      await client.query(createKeySql(entity))
    }
    await client.query('CREATE TABLE unfollowed (id bigint GENERATED ALWAYS AS IDENTITY, content text NOT NULL)')
    await client.query('VACUUM (ANALYZE)')
    await client.query('CHECKPOINT')
  })
  return { source, service: databaseUrl(postgres, SERVICE_DATABASE) }
}

/** What the commands are told of them. */
export function entriesEnvironment({ service, source }: Entries, nats: EmbeddedNats): Record<string, string> {
  return {
    MONOLITH_DATABASE_URL: source,
    NATS_URL: nats.url,
    NATS_SYNC_INTERVAL: 'always',
    SCISSION_CONTRACTS: compiledContracts('entries-contract'),
    [databaseName('ledger')]: service,
  }
}

/** How many entries a database has, and what they are: by SQL that is none of Scission's. */
interface Content {
  readonly rows: string
  readonly digest: string
}

async function readContent(url: string): Promise<Content> {
  return await withClient(url, async (client) => {
    // The sum of two hashes of each row, which no order of the rows changes.
    const { rows } = await client.query<Content>(
      `SELECT count(*)::text AS rows,
              coalesce(sum(hashtextextended(entry::text, 0)::numeric), 0) || ' ' ||
              coalesce(sum(hashtextextended(entry::text, 1)::numeric), 0) AS digest
         FROM "Entry" AS entry`,
    )
    const [content] = rows
    if (content === undefined) throw new Error('An aggregate has one row')
    return content
  })
}

/** @throws Failure 1 where the service has not the monolith's rows. */
export async function assertEqualContent({ service, source }: Entries): Promise<void> {
  const [there, here] = await Promise.all([readContent(source), readContent(service)])
  if (there.rows === here.rows && there.digest === here.digest) return
  throw new Failure(1, `The service has ${JSON.stringify(here)}, and the monolith ${JSON.stringify(there)}.`)
}

/** Where a service stands: the position of the last transaction that it has applied. */
export async function readApplied(service: string): Promise<bigint> {
  return await withClient(service, async (client) => {
    const { rows } = await client.query<{ lsn: string | null }>(
      `SELECT (lsn - '0/0'::pg_lsn)::text AS lsn FROM scission.checkpoint`,
    )
    return BigInt(rows[0]?.lsn ?? 0)
  })
}
