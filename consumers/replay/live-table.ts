import type pg from 'pg'
import { z } from 'zod'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'

const OPTION = z.object({ name: z.string(), value: z.string() })

/** Manual: "pg_sequence". The numbers stay texts: they may be larger than what a number holds. */
const IDENTITY = z.object({
  mode: z.enum(['ALWAYS', 'BY DEFAULT']),
  /** The sequence's bare name: it is always in its table's schema. */
  sequence: z.string(),
  type: z.string(),
  hasTypeOfColumn: z.boolean(),
  start: z.string(),
  increment: z.string(),
  min: z.string(),
  max: z.string(),
  cache: z.string(),
  cycle: z.boolean(),
  persistence: z.enum(['p', 'u']),
})

export type Identity = z.infer<typeof IDENTITY>

const COLUMN = z.object({
  name: z.string(),
  statistics: z.number().nullable(),
  options: z.array(OPTION),
  identity: IDENTITY.nullable(),
})

export type LiveColumn = z.infer<typeof COLUMN>

const CHECK = z.object({
  name: z.string(),
  definition: z.string(),
  validated: z.boolean(),
  comment: z.string().nullable(),
})

const STATISTICS = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  /** What stands between the name and the table in CREATE STATISTICS. */
  body: z.string(),
  /** Whether `body` was cut from a definition of the form that is known. */
  known: z.boolean(),
  target: z.number().nullable(),
  owner: z.string(),
  comment: z.string().nullable(),
})

export type Statistics = z.infer<typeof STATISTICS>

const LIVE_TABLE = z.object({
  owner: z.string(),
  persistence: z.enum(['p', 'u']),
  method: z.string(),
  tablespace: z.string().nullable(),
  options: z.array(OPTION),
  toastOptions: z.array(OPTION),
  columns: z.array(COLUMN),
  checks: z.array(CHECK),
  statistics: z.array(STATISTICS),
})

/** What a table in use has that `CREATE TABLE … (LIKE …)` does not take along. */
export type LiveTable = z.infer<typeof LIVE_TABLE>

const optionsOf = (array: string): string =>
  `(SELECT coalesce(json_agg(json_build_object('name', split_part(item, '=', 1),
                                               'value', substr(item, strpos(item, '=') + 1))), '[]')
      FROM unnest(${array}) AS item)`

const IDENTITY_SQL = `
  (SELECT json_build_object(
     'mode', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, 'sequence', s.relname,
     'type', format_type(q.seqtypid, NULL), 'hasTypeOfColumn', q.seqtypid = a.atttypid,
     'start', q.seqstart::text, 'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
     'cache', q.seqcache::text, 'cycle', q.seqcycle, 'persistence', s.relpersistence)
   FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
  WHERE a.attidentity <> '' AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i')`

const COLUMNS_SQL = `
  (SELECT coalesce(json_agg(json_build_object(
     'name', a.attname, 'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
     'options', ${optionsOf('a.attoptions')}, 'identity', ${IDENTITY_SQL}) ORDER BY a.attnum), '[]')
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`

const CHECKS_SQL = `
  (SELECT coalesce(json_agg(json_build_object(
     'name', conname, 'definition', pg_get_constraintdef(oid), 'validated', convalidated,
     'comment', obj_description(oid, 'pg_constraint')) ORDER BY conname), '[]')
   FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c')`

const STATISTICS_SQL = `
  (SELECT coalesce(json_agg(json_build_object(
     'oid', x.oid::text, 'schema', sn.nspname, 'name', x.stxname,
     'body', substr(x.definition, length(x.head) + 1, length(x.definition) - length(x.head) - length(x.foot)),
     'known', left(x.definition, length(x.head)) = x.head AND right(x.definition, length(x.foot)) = x.foot,
     'target', CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget END, 'owner', pg_get_userbyid(x.stxowner),
     'comment', obj_description(x.oid, 'pg_statistic_ext')) ORDER BY x.oid), '[]')
   FROM (SELECT e.*, pg_get_statisticsobjdef(e.oid) AS definition,
                format('CREATE STATISTICS %s.%I ', e.stxnamespace::regnamespace, e.stxname) AS head,
                format(' FROM %I.%I', n.nspname, c.relname) AS foot
           FROM pg_statistic_ext e WHERE e.stxrelid = c.oid) AS x
   JOIN pg_namespace sn ON sn.oid = x.stxnamespace)`

/**
 * Reads tables by their quoted names, at once: each is a part of a lock's time.
 * @returns those that there are, by their names.
 */
export async function readLiveTables(client: pg.Client, names: readonly string[]): Promise<Map<string, LiveTable>> {
  const rows = await jsonRows(
    client,
    z.object({ name: z.string(), table: LIVE_TABLE }),
    `SELECT json_build_object('name', wanted.name, 'table', json_build_object(
       'owner', pg_get_userbyid(c.relowner), 'persistence', c.relpersistence, 'method', am.amname,
       'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace),
       'options', ${optionsOf('c.reloptions')},
       'toastOptions', ${optionsOf('(SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid)')},
       'columns', ${COLUMNS_SQL}, 'checks', ${CHECKS_SQL}, 'statistics', ${STATISTICS_SQL})) AS row
     FROM unnest($1::text[]) AS wanted (name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam`,
    [names],
  )
  return new Map(rows.map(({ name, table }) => [name, table]))
}

/** Runs statements in one go, so that a distant server costs one way there and back. */
export async function runAll(client: pg.Client, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) await client.query(statements.join(';\n'))
}

/** For example `fillfactor = '70'`. */
export function optionList(options: readonly z.infer<typeof OPTION>[], prefix = ''): string[] {
  return options.map(({ name, value }) => `${prefix}${quoteIdentifier(name)} = ${quoteLiteral(value)}`)
}

/** One statement where there is a comment, else none. */
export function commentOn(object: string, comment: string | null): string[] {
  return comment === null ? [] : [`COMMENT ON ${object} IS ${quoteLiteral(comment)}`]
}
