import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { readServer, type ServerFacts } from '../catalog/read-server.ts'

/** How a database sorts and classifies text, as `CREATE DATABASE` takes it. Manual: "pg_database". */
export interface DatabaseLocale {
  readonly encoding: string
  readonly collate: string
  readonly ctype: string
  /** `c` the C library, `i` ICU, `b` built in; other fields exist from version 15 and 17 on. */
  readonly provider: string
  readonly icuLocale: string | null
}

/** What a backup says of the monolith beside its tables, and what a proof must make before it restores. */
export interface MonolithFacts {
  readonly server: ServerFacts
  /** Without what a packager adds to it, for example `15.18`. */
  readonly version: string
  readonly systemId: string
  readonly locale: DatabaseLocale
  readonly databaseBytes: number
  /** Names, `plpgsql` left out, which every database has. */
  readonly extensions: readonly string[]
  /** Owners, and who was granted something, in this database. */
  readonly roles: readonly string[]
  /** An event trigger or a foreign-data wrapper can be owned by one of them alone. */
  readonly superusers: readonly string[]
  readonly unlogged: number
  readonly foreignTables: number
  readonly subscriptions: number
  readonly tablespaces: readonly string[]
}

const FACTS = z.object({
  systemId: z.string(),
  locale: z.object({
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    provider: z.string(),
    icuLocale: z.string().nullable(),
  }),
  databaseBytes: z.number(),
  extensions: z.array(z.string()),
  roles: z.array(z.string()),
  superusers: z.array(z.string()),
  unlogged: z.number(),
  foreignTables: z.number(),
  subscriptions: z.number(),
  tablespaces: z.array(z.string()),
})

/** @throws Failure 4 where the server is a standby, which neither exports snapshots for all nor holds unlogged rows. */
export async function readMonolith(client: pg.Client): Promise<MonolithFacts> {
  const server = await readServer(client)
  if (server.inRecovery)
    throw new Failure(
      4,
      'The monolith (MONOLITH_DATABASE_URL) is a standby, whose backup would lack unlogged tables: give the URL of the primary server.',
    )
  const [facts] = await jsonRows(client, FACTS, FACTS_SQL, [])
  if (facts === undefined) throw new Error('The catalog does not know the current database')
  return { server, version: server.version.split(' ')[0] ?? '', ...facts }
}

/** The columns of `pg_database` that not every version has are read by way of JSON, where one that is missing is null. */
const FACTS_SQL = `
  SELECT json_build_object(
    'systemId', (SELECT system_identifier::text FROM pg_control_system()),
    'locale', json_build_object(
      'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
      'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
      'icuLocale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
    'databaseBytes', pg_database_size(d.oid),
    'extensions', ARRAY(SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname),
    'roles', ARRAY(
      SELECT DISTINCT r.rolname FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
       WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname !~ '^pg_'
         AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
      UNION
      SELECT DISTINCT pg_get_userbyid(owner) FROM (
        SELECT relowner FROM pg_class UNION SELECT proowner FROM pg_proc UNION SELECT nspowner FROM pg_namespace
        UNION SELECT typowner FROM pg_type) AS owners (owner) WHERE pg_get_userbyid(owner) !~ '^pg_'
      ORDER BY 1),
    'superusers', ARRAY(SELECT rolname FROM pg_roles WHERE rolsuper AND rolname !~ '^pg_'),
    'unlogged', (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'),
    'foreignTables', (SELECT count(*) FROM pg_class WHERE relkind = 'f'),
    'subscriptions', (SELECT count(*) FROM pg_subscription WHERE subdbid = d.oid),
    'tablespaces', ARRAY(SELECT DISTINCT t.spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
                          WHERE t.spcname NOT IN ('pg_default', 'pg_global') ORDER BY t.spcname)) AS row
  FROM pg_database d WHERE d.datname = current_database()`
