import pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'

/** Anything in a database that has a name and no rows of its own: an index, a view, a function. */
export interface DatabaseObject {
  /** As `pg_identify_object` calls it, for example `index`. */
  readonly type: string
  readonly name: string
  /** A hash of the object's definition as PostgreSQL prints it; null where it has none but its name. */
  readonly definition: string | null
}

const OBJECT = z.object({ type: z.string(), name: z.string().nullable(), definition: z.string().nullable() })

/** What is in the catalog below this was there before any user was. Manual: "System Catalog Initial Data". */
const FIRST_USER_OID = 16_384

/**
 * Every object that a user made, by type and name. Left out are temporary relations, of any session, with what hangs on
 * them; an extension's own objects, which come with the extension; internal triggers, whose names hold numbers that a copy
 * does not share; array and row types, which come with theirs; and invalid indexes, which no dump holds. A definition is
 * comparable between servers of one major version.
 * @returns null where one of them was dropped that the transaction's snapshot shows: PostgreSQL looks some of what names
 * and defines an object up outside of the snapshot, as it does for pg_dump, so that nobody knows the whole of it any more.
 */
export async function readObjects(client: pg.Client): Promise<DatabaseObject[] | null> {
  const rows = await jsonRows(client, OBJECT, OBJECTS_SQL, []).catch((error: unknown) => {
    if (isOfDropped(error)) return null
    throw error
  })
  if (rows === null) return null
  const named = rows.flatMap(({ name, ...rest }) => (name === null ? [] : [{ ...rest, name }]))
  return named.length === rows.length ? named : null
}

const INTERNAL_ERROR = 'XX000'

/** A view is opened so that its definition can be printed, which has no gentler way to fail. */
function isOfDropped(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== INTERNAL_ERROR) return false
  return /could not open relation with OID|cache lookup failed/.test(error.message)
}

/** The columns of a relation, and what else of it is not in an index, a constraint or a default. */
const RELATION_DEFINITION = `concat_ws(' ',
  (SELECT string_agg(format('%I %s %s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                            a.attidentity, a.attgenerated, nullif(a.attcollation, t.typcollation)::regcollation),
                     ', ' ORDER BY a.attnum)
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, pg_get_partkeydef(c.oid),
  pg_get_expr(c.relpartbound, c.oid), c.relispopulated)`

/** A condition: what belongs to a relation that another session made for itself is in no dump, whatever its own schema. */
function lasting(relation: string): string {
  return `NOT EXISTS (SELECT FROM pg_class WHERE pg_class.oid = ${relation} AND pg_class.relpersistence = 't')`
}

const OBJECT_SOURCES = [
  `SELECT 'pg_namespace'::regclass AS classid, oid AS objid, NULL::text AS definition FROM pg_namespace WHERE nspname !~ '^pg_'`,
  `SELECT 'pg_extension'::regclass, oid, NULL FROM pg_extension`,
  `SELECT 'pg_class'::regclass, c.oid,
          CASE WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid)
               WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid)
               WHEN c.relkind = 'm' THEN concat_ws(' ', pg_get_viewdef(c.oid), c.relispopulated)
               WHEN c.relkind <> 'S' THEN ${RELATION_DEFINITION} END
     FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relpersistence <> 't' AND (i.indisvalid IS NOT FALSE OR c.relkind = 'I')
      AND c.relnamespace <> 'pg_toast'::regnamespace`,
  // Not-null constraints are in this catalog from version 18 on, and with the columns before; a foreign key of a
  // partitioned table has copies with names that PostgreSQL makes up.
  `SELECT 'pg_constraint'::regclass, oid, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype IN ('p', 'u', 'f', 'c', 'x') AND (contype <> 'f' OR conparentid = 0)
      AND ${lasting('conrelid')}`,
  `SELECT 'pg_attrdef'::regclass, oid, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE ${lasting('adrelid')}`,
  `SELECT 'pg_proc'::regclass, oid, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) END FROM pg_proc`,
  `SELECT 'pg_trigger'::regclass, oid, concat_ws(' ', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger
    WHERE NOT tgisinternal AND ${lasting('tgrelid')}`,
  `SELECT 'pg_rewrite'::regclass, oid, CASE WHEN rulename <> '_RETURN' THEN pg_get_ruledef(oid) END FROM pg_rewrite
    WHERE ${lasting('ev_class')}`,
  `SELECT 'pg_type'::regclass, t.oid, CASE t.typtype
            WHEN 'e' THEN (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
            WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault) END
     FROM pg_type t
    WHERE t.typtype <> 'c' AND NOT (t.typelem <> 0 AND t.typsubscript = 'array_subscript_handler'::regproc)`,
  `SELECT 'pg_policy'::regclass, oid, concat_ws(' ', polcmd, polpermissive, pg_get_expr(polqual, polrelid),
          pg_get_expr(polwithcheck, polrelid)) FROM pg_policy WHERE ${lasting('polrelid')}`,
  `SELECT 'pg_statistic_ext'::regclass, oid, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
    WHERE ${lasting('stxrelid')}`,
  ...[
    'pg_operator',
    'pg_opclass',
    'pg_opfamily',
    'pg_cast',
    'pg_collation',
    'pg_conversion',
    'pg_ts_config',
    'pg_ts_dict',
    'pg_event_trigger',
    'pg_publication',
    'pg_foreign_server',
    'pg_foreign_data_wrapper',
    'pg_language',
  ].map((catalog) => `SELECT '${catalog}'::regclass, oid, NULL FROM ${catalog}`),
]

const OBJECTS_SQL = `
  WITH RECURSIVE foreign_to_users AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
    UNION
    SELECT d.classid, d.objid FROM pg_depend d
      JOIN foreign_to_users f ON d.refclassid = f.classid AND d.refobjid = f.objid AND d.deptype IN ('a', 'i')
  ), objects AS (${OBJECT_SOURCES.join(' UNION ALL ')})
  SELECT json_build_object('type', coalesce(i.type, ''), 'name', i.identity,
                           'definition', encode(sha256(convert_to(o.definition, 'UTF8')), 'hex')) AS row
  FROM objects o, LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
  WHERE o.objid >= ${FIRST_USER_OID} AND coalesce(i.schema, '') !~ '^"?(pg_|information_schema)'
    AND NOT EXISTS (SELECT FROM foreign_to_users f WHERE f.classid = o.classid AND f.objid = o.objid)
  ORDER BY i.type, i.identity`

/** How many there are of each type. */
export function countObjects(objects: readonly DatabaseObject[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of objects) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

/** The names of indexes that a failed or unfinished CREATE INDEX CONCURRENTLY left: a dump does not hold them. */
export async function readInvalidIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't' ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}
