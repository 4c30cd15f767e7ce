import type pg from 'pg'
import { z } from 'zod'
import type { TableName } from '../catalog/catalog.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { publicationName, slotName } from './names.ts'

/**
 * Scission's own tables in the monolith: which prefixes were prepared, and each replica identity that was changed, as
 * it was before. What is recorded is written in the transaction that makes the change. Each statement can be run again.
 */
export const RECORD_DDL: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS scission',
  `CREATE TABLE IF NOT EXISTS scission.preparation (
     prefix text PRIMARY KEY,
     contract_set text NOT NULL,
     slot text NOT NULL,
     publication text NOT NULL,
     prepared_at timestamptz NOT NULL DEFAULT pg_catalog.now()
   )`,
  `CREATE TABLE IF NOT EXISTS scission.replica_identity (
     schema_name text NOT NULL,
     table_name text NOT NULL,
     former "char" NOT NULL,
     former_index text,
     given "char" NOT NULL,
     recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
     PRIMARY KEY (schema_name, table_name)
   )`,
]

/** What the monolith holds of Scission's, for one prefix. */
export interface MonolithRecord {
  readonly schemaExists: boolean
  /** Every prefix that was prepared and not cancelled, this one too. */
  readonly preparations: readonly Preparation[]
  readonly identities: readonly RecordedIdentity[]
  readonly publication: Publication | null
  readonly slot: ReplicationSlot | null
}

export interface Preparation {
  readonly prefix: string
  readonly contractSet: string
}

/** A replica identity that `prepare` changed, by the letters of `pg_class.relreplident`. */
export interface RecordedIdentity extends TableName {
  readonly former: string
  readonly formerIndex: string | null
  readonly given: string
}

export interface Publication {
  readonly owned: boolean
  /** Whether it is as Scission makes it: single tables, each whole, with every kind of change. */
  readonly plain: boolean
  readonly tables: readonly TableName[]
}

export interface ReplicationSlot {
  readonly plugin: string | null
  readonly database: string | null
  readonly activePid: string | null
}

export async function readMonolithRecord(client: pg.Client, prefix: string): Promise<MonolithRecord> {
  const { schemaExists, recordExists } = await readPresence(client)
  return {
    schemaExists,
    preparations: recordExists ? await readPreparations(client) : [],
    identities: recordExists ? await readIdentities(client) : [],
    publication: await readPublication(client, publicationName(prefix)),
    slot: await readSlot(client, slotName(prefix)),
  }
}

const PRESENCE = z.object({ schemaExists: z.boolean(), recordExists: z.boolean() })

async function readPresence(client: pg.Client): Promise<z.infer<typeof PRESENCE>> {
  const [presence] = await jsonRows(
    client,
    PRESENCE,
    `SELECT json_build_object('schemaExists', to_regnamespace('scission') IS NOT NULL,
       'recordExists', to_regclass('scission.preparation') IS NOT NULL
                   AND to_regclass('scission.replica_identity') IS NOT NULL) AS row`,
    [],
  )
  return presence ?? { schemaExists: false, recordExists: false }
}

const PREPARATION = z.object({ prefix: z.string(), contractSet: z.string() })

async function readPreparations(client: pg.Client): Promise<Preparation[]> {
  return await jsonRows(
    client,
    PREPARATION,
    `SELECT json_build_object('prefix', prefix, 'contractSet', contract_set) AS row
       FROM scission.preparation ORDER BY prefix`,
    [],
  )
}

const NAME = z.object({ schema: z.string(), table: z.string() })
const IDENTITY = NAME.extend({ former: z.string(), formerIndex: z.string().nullable(), given: z.string() })

async function readIdentities(client: pg.Client): Promise<RecordedIdentity[]> {
  return await jsonRows(
    client,
    IDENTITY,
    `SELECT json_build_object('schema', schema_name, 'table', table_name, 'former', former,
                              'formerIndex', former_index, 'given', given) AS row
       FROM scission.replica_identity ORDER BY recorded_at, schema_name, table_name`,
    [],
  )
}

const PUBLICATION = z.object({ owned: z.boolean(), plain: z.boolean(), tables: z.array(NAME) })

/** Row filters and column lists came with PostgreSQL 15, as did whole schemas, whose tables the view alone shows. */
async function readPublication(client: pg.Client, name: string): Promise<Publication | null> {
  const [publication] = await jsonRows(
    client,
    PUBLICATION,
    `SELECT json_build_object(
       'owned', pg_has_role(p.pubowner, 'USAGE'),
       'plain', NOT p.puballtables AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate
                AND NOT EXISTS (SELECT FROM pg_publication_rel pr WHERE pr.prpubid = p.oid
                  AND (to_jsonb(pr) ->> 'prqual' IS NOT NULL OR to_jsonb(pr) ->> 'prattrs' IS NOT NULL))
                AND (SELECT count(*) FROM pg_publication_tables pt WHERE pt.pubname = p.pubname)
                  = (SELECT count(*) FROM pg_publication_rel pr WHERE pr.prpubid = p.oid),
       'tables', (SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'table', c.relname)
                                           ORDER BY n.nspname, c.relname), '[]')
                    FROM pg_publication_rel pr JOIN pg_class c ON c.oid = pr.prrelid
                    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pr.prpubid = p.oid)) AS row
     FROM pg_publication p WHERE p.pubname = $1`,
    [name],
  )
  return publication ?? null
}

const SLOT = z.object({
  plugin: z.string().nullable(),
  database: z.string().nullable(),
  activePid: z.string().nullable(),
})

async function readSlot(client: pg.Client, name: string): Promise<ReplicationSlot | null> {
  const [slot] = await jsonRows(
    client,
    SLOT,
    `SELECT json_build_object('plugin', plugin, 'database', database, 'activePid', active_pid::text) AS row
       FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  )
  return slot ?? null
}
