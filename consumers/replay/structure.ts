import { createHash } from 'node:crypto'
import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../../infra/catalog/json-rows.ts'

/** A table's structure as lines of text; null where there is no such table. */
export type Structures = ReadonlyMap<string, readonly string[] | null>

/** By the table, quoted: a hash of its structure, or null where there is none. */
const FINGERPRINT = z.record(z.string(), z.string().nullable())

/**
 * A text of what shadows are made from: columns, checks, keys, indexes, foreign keys, extended statistics and storage
 * of the tables in use. Rights, policies, triggers and comments are not in it: `finishShadow` brings them up to date.
 * @param tables `schema.table`, quoted.
 */
export async function readFingerprint(client: pg.Client, tables: readonly string[]): Promise<string> {
  return fingerprintOf(await readStructures(client, tables))
}

export function fingerprintOf(structures: Structures): string {
  const hash = (lines: readonly string[]): string => createHash('sha256').update(lines.join('\n')).digest('hex')
  return JSON.stringify(
    Object.fromEntries([...structures].map(([table, lines]) => [table, lines === null ? null : hash(lines)])),
  )
}

/** The tables of which two fingerprints differ. */
export function alteredTables(before: string, now: string): string[] {
  const [old, current] = [FINGERPRINT.parse(JSON.parse(before)), FINGERPRINT.parse(JSON.parse(now))]
  return [...new Set([...Object.keys(old), ...Object.keys(current)])].filter((table) => old[table] !== current[table])
}

/**
 * What a table lacks of another, as a clause; null where it has all of it. More it may have: a key or a foreign key of the
 * contract that the other had lost.
 */
export function structureLack(wanted: readonly string[], actual: readonly string[]): string | null {
  const lacking = wanted.find((line) => !actual.includes(line))
  if (lacking !== undefined) return `it lacks ${lacking}`
  const kept = actual.filter((line) => wanted.includes(line))
  return wanted.join('\n') === kept.join('\n') ? null : 'its columns are in another order'
}

const ROW = z.object({ table: z.string(), lines: z.array(z.string()).nullable() })

export async function readStructures(client: pg.Client, tables: readonly string[]): Promise<Structures> {
  const rows = await jsonRows(
    client,
    ROW,
    `SELECT json_build_object('table', wanted.name, 'lines', CASE WHEN c.oid IS NOT NULL THEN (
       SELECT json_agg(line ORDER BY part, place, line COLLATE "C") FROM (${LINES.join(' UNION ALL ')}) AS lines (part, place, line)
     ) END) AS row
     FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, ordinal)
     LEFT JOIN pg_class c ON c.oid = to_regclass(wanted.name)
     ORDER BY wanted.ordinal`,
    [tables],
  )
  return new Map(rows.map(({ table, lines }) => [table, lines]))
}

/**
 * The parts of a table, each a query over `c`. None of them names an oid or the place of a column, so that a shadow in
 * its table's place reads the same.
 */
const LINES = [
  `SELECT 0, 0, format('kind %s persistence %s method %s tablespace %s options %s toast %s', c.relkind, c.relpersistence,
     (SELECT amname FROM pg_am WHERE oid = c.relam), (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace),
     c.reloptions, (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid))`,
  `SELECT 1, a.attnum::int, format('column %I %s collation %s%s storage %s%s statistics %s options %s %s%s %s', a.attname,
     format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, CASE WHEN a.attnotnull THEN ' NOT NULL' END, a.attstorage,
     to_jsonb(a) ->> 'attcompression', coalesce(a.attstattarget, -1), a.attoptions, a.attgenerated, a.attidentity,
     (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = a.attrelid AND adnum = a.attnum))
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`,
  `SELECT 2, 0, format('sequence %I %s %s %s %s %s %s %s %s of %I', s.relname, s.relpersistence, format_type(q.seqtypid, NULL),
     q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, a.attname)
   FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'`,
  // The swap makes foreign keys to other tables NOT VALID, and says how they become valid.
  `SELECT 3, 0, format('constraint %I %s', con.conname, CASE
     WHEN con.contype = 'f' AND con.confrelid NOT IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL)
     THEN regexp_replace(pg_get_constraintdef(con.oid), ' NOT VALID$', '') ELSE pg_get_constraintdef(con.oid) END)
   FROM pg_constraint con WHERE con.conrelid = c.oid AND con.contype <> 't' AND con.conparentid = 0`,
  `SELECT 4, 0, format('index %s tablespace %s clustered %s identity %s valid %s statistics %s', pg_get_indexdef(x.indexrelid),
     (SELECT spcname FROM pg_tablespace WHERE oid = i.reltablespace), x.indisclustered, x.indisreplident, x.indisvalid,
     ARRAY(SELECT a.attnum::text || ':' || a.attstattarget FROM pg_attribute a
            WHERE a.attrelid = i.oid AND a.attstattarget >= 0 ORDER BY a.attnum))
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid`,
  `SELECT 5, 0, format('statistics %s target %s', pg_get_statisticsobjdef(e.oid), coalesce(e.stxstattarget, -1))
   FROM pg_statistic_ext e WHERE e.stxrelid = c.oid`,
]
