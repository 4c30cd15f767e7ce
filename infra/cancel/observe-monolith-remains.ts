import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readKeepers } from '../postgres/keeper-sessions.ts'
import { readMonolithRecord } from '../prepare/monolith-record.ts'
import { publicationName } from '../prepare/names.ts'
import type { MonolithRemains } from './plan-monolith-cancel.ts'

/** Reads what there is of Scission's in the monolith. */
export async function observeMonolithRemains(client: pg.Client, prefix: string): Promise<MonolithRemains> {
  const record = await readMonolithRecord(client, prefix)
  return {
    database: await readDatabaseName(client),
    record,
    catalog: await readCatalog(client, record.identities, { rows: false }),
    publishedElsewhere: await readPublishedElsewhere(client, publicationName(prefix)),
    keepers: await readKeepers(client, prefix),
    prefixTables: await readPrefixTables(client),
  }
}

async function readDatabaseName(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
  return rows[0]?.name ?? ''
}

const PUBLISHED = z.object({ publication: z.string(), schema: z.string(), table: z.string() })

async function readPublishedElsewhere(client: pg.Client, own: string): Promise<MonolithRemains['publishedElsewhere']> {
  return await jsonRows(
    client,
    PUBLISHED,
    `SELECT json_build_object('publication', p.pubname, 'schema', t.schemaname, 'table', t.tablename) AS row
       FROM pg_publication p JOIN pg_publication_tables t USING (pubname)
      WHERE p.pubname <> $1 AND (p.pubupdate OR p.pubdelete)`,
    [own],
  )
}

async function readPrefixTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'prefix' AND NOT a.attisdropped
      WHERE n.nspname = 'scission' AND c.relkind = 'r' ORDER BY c.relname`,
  )
  return rows.map(({ name }) => name)
}
