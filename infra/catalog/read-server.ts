import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from './json-rows.ts'

/** What a server says of itself, of this database and of the session's role. */
export interface ServerFacts {
  /** For example 150018. */
  readonly versionNumber: number
  readonly version: string
  readonly database: string
  /**
   * The same for two URLs exactly where they lead to one database: the cluster's identifier, the database's, and the
   * server's start, since servers that were made of one copied folder share the first two.
   */
  readonly identity: string
  /** The database's encoding, for example `UTF8`. */
  readonly encoding: string
  /**
   * What sorts its texts: locales, their provider (`c` the C library, the only one before PostgreSQL 15) and the provider's
   * own locale, where it has one.
   */
  readonly collation: string
  readonly inRecovery: boolean
  readonly role: string
  /** Whether the role may create slots: by its attribute, as a superuser, or as a hosting provider grants it. */
  readonly mayReplicate: boolean
  readonly mayCreateInDatabase: boolean
  readonly walLevel: string
  readonly maxReplicationSlots: number
  readonly maxWalSenders: number
  /** What a slot may hold back at most; -1 for all that the disk has. Manual: "Replication", max_slot_wal_keep_size. */
  readonly maxSlotWalKeepMegabytes: number
}

const SERVER = z.object({
  versionNumber: z.number(),
  version: z.string(),
  database: z.string(),
  identity: z.string(),
  encoding: z.string(),
  collation: z.string(),
  inRecovery: z.boolean(),
  role: z.string(),
  mayReplicate: z.boolean(),
  mayCreateInDatabase: z.boolean(),
  walLevel: z.string(),
  maxReplicationSlots: z.number(),
  maxWalSenders: z.number(),
  maxSlotWalKeepMegabytes: z.number(),
})

/** Reads them in one statement, which servers older than those that we support understand too. */
export async function readServer(client: pg.Client): Promise<ServerFacts> {
  const [facts] = await jsonRows(
    client,
    SERVER,
    `SELECT json_build_object(
       'versionNumber', current_setting('server_version_num')::int, 'version', current_setting('server_version'),
       'database', d.datname,
       'identity', concat_ws('/', (SELECT system_identifier FROM pg_control_system()), d.oid, pg_postmaster_start_time()),
       'encoding', pg_encoding_to_char(d.encoding),
       'collation', concat_ws(' ', d.datcollate, d.datctype, coalesce(to_jsonb(d)->>'datlocprovider', 'c'),
                              coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale')),
       'inRecovery', pg_is_in_recovery(), 'role', r.rolname,
       'mayReplicate', r.rolsuper OR r.rolreplication OR EXISTS (
         SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'MEMBER')),
       'mayCreateInDatabase', has_database_privilege(d.oid, 'CREATE'), 'walLevel', current_setting('wal_level'),
       'maxReplicationSlots', current_setting('max_replication_slots')::int,
       'maxWalSenders', current_setting('max_wal_senders')::int,
       'maxSlotWalKeepMegabytes', (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size')) AS row
     FROM pg_database d, pg_roles r
     WHERE d.datname = current_database() AND r.rolname = current_user`,
    [],
  )
  if (facts === undefined) throw new Error('The catalog does not know the current database or role')
  return facts
}

/** A schema that exists, and what the session's role may do there. */
export interface SchemaFacts {
  readonly name: string
  readonly mayUse: boolean
  readonly mayCreate: boolean
}

const SCHEMA = z.object({ name: z.string(), mayUse: z.boolean(), mayCreate: z.boolean() })

/** Those of the named schemas that exist. */
export async function readSchemas(client: pg.Client, names: readonly string[]): Promise<Map<string, SchemaFacts>> {
  const schemas = await jsonRows(
    client,
    SCHEMA,
    `SELECT json_build_object('name', nspname, 'mayUse', has_schema_privilege(oid, 'USAGE'),
                              'mayCreate', has_schema_privilege(oid, 'CREATE')) AS row
     FROM pg_namespace WHERE nspname = ANY ($1)`,
    [names],
  )
  return new Map(schemas.map((schema) => [schema.name, schema]))
}

/** Those of the named types that exist; names as `format_type` prints them under an empty search path. */
export async function readPresentTypes(client: pg.Client, names: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regtype(name) IS NOT NULL',
    [names],
  )
  return new Set(rows.map(({ name }) => name))
}
