import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'
import type { OwnType } from './monolith-facts.ts'
import { FIRST_OWN_OID } from './read-columns.ts'

const USE = { type: z.string(), oid: z.string(), collation: z.string().nullable() }

const CHECK = z.object({
  name: z.string(),
  definition: z.string(),
  validated: z.boolean(),
  functions: z.array(z.string()),
})

const TYPE = z.object({
  oid: z.string(),
  name: z.string(),
  schema: z.string(),
  bareName: z.string(),
  kind: z.enum(['b', 'c', 'd', 'e', 'm', 'r', 'row']),
  extension: z.object({ name: z.string(), schema: z.string() }).nullable(),
  labels: z.array(z.string()),
  domain: z.object({ ...USE, notNull: z.boolean(), default: z.string().nullable(), checks: z.array(CHECK) }).nullable(),
  attributes: z.array(z.object({ ...USE, name: z.string() })),
  range: z
    .object({
      ...USE,
      operatorClass: z.string().nullable(),
      multirange: z.string(),
      functions: z.array(z.string()),
    })
    .nullable(),
  rangeOid: z.string().nullable(),
})

/** Every type that is not PostgreSQL's own, but for arrays and the row types of views. Manual: "pg_type", "pg_range". */
export async function readOwnTypes(client: pg.Client): Promise<OwnType[]> {
  return await jsonRows(
    client,
    TYPE,
    `SELECT json_build_object(
       'oid', t.oid::text, 'name', format_type(t.oid, NULL), 'schema', n.nspname, 'bareName', t.typname,
       'kind', CASE WHEN t.typtype = 'c' AND c.relkind <> 'c' THEN 'row' ELSE t.typtype::text END,
       'extension', (SELECT json_build_object('name', e.extname, 'schema', en.nspname)
                       FROM pg_depend m JOIN pg_extension e ON e.oid = m.refobjid
                       JOIN pg_namespace en ON en.oid = e.extnamespace
                      WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid AND m.deptype = 'e'),
       'labels', (SELECT coalesce(json_agg(enumlabel ORDER BY enumsortorder), '[]') FROM pg_enum WHERE enumtypid = t.oid),
       'domain', CASE WHEN t.typtype = 'd' THEN ${DOMAIN} END,
       'attributes', ${ATTRIBUTES},
       'range', (SELECT ${RANGE} FROM pg_range r JOIN pg_type s ON s.oid = r.rngsubtype
                   JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid),
       'rangeOid', (SELECT r.rngtypid::text FROM pg_range r WHERE r.rngmultitypid = t.oid)) AS row
     FROM pg_type t
     JOIN pg_namespace n ON n.oid = t.typnamespace
     LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.oid >= ${FIRST_OWN_OID} AND t.typtype <> 'p' AND (t.typtype <> 'c' OR c.relkind IN ('c', 'r', 'p', 'f'))
       AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
     ORDER BY t.oid`,
    [],
  )
}

/** A collation that is not the type's own. */
function collation(collationOid: string, typeCollationOid: string): string {
  return `(SELECT format('%I.%I', ln.nspname, l.collname) FROM pg_collation l
             JOIN pg_namespace ln ON ln.oid = l.collnamespace
            WHERE l.oid = ${collationOid} AND l.oid <> ${typeCollationOid})`
}

/** The element's oid where a type is an array. */
function elementOid(typeOid: string): string {
  return `coalesce((SELECT e.oid FROM pg_type e WHERE e.typarray = ${typeOid}), ${typeOid})::text`
}

const DOMAIN = `json_build_object(
  'type', format_type(t.typbasetype, t.typtypmod), 'oid', ${elementOid('t.typbasetype')},
  'collation', ${collation('t.typcollation', '(SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)')},
  'notNull', t.typnotnull, 'default', pg_get_expr(t.typdefaultbin, 0),
  'checks', (SELECT coalesce(json_agg(json_build_object(
                 'name', con.conname, 'definition', pg_get_constraintdef(con.oid), 'validated', con.convalidated,
                 'functions', (SELECT coalesce(json_agg((pg_identify_object(d.refclassid, d.refobjid, 0)).identity), '[]')
                                 FROM pg_depend d
                                WHERE d.classid = 'pg_constraint'::regclass AND d.objid = con.oid
                                  AND d.refclassid = 'pg_proc'::regclass AND d.refobjid >= ${FIRST_OWN_OID}))
               ORDER BY con.conname), '[]')
               FROM pg_constraint con WHERE con.contypid = t.oid AND con.contype = 'c'))`

const ATTRIBUTES = `(
  SELECT coalesce(json_agg(json_build_object(
           'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'oid', ${elementOid('a.atttypid')},
           'collation', ${collation('a.attcollation', '(SELECT b.typcollation FROM pg_type b WHERE b.oid = a.atttypid)')})
         ORDER BY a.attnum), '[]')
    FROM pg_attribute a
   WHERE a.attrelid = t.typrelid AND c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped)`

const RANGE = `json_build_object(
  'type', format_type(r.rngsubtype, NULL), 'oid', ${elementOid('r.rngsubtype')},
  'collation', ${collation('r.rngcollation', 's.typcollation')},
  'operatorClass', CASE WHEN NOT o.opcdefault THEN
     (SELECT format('%I.%I', onn.nspname, o.opcname) FROM pg_namespace onn WHERE onn.oid = o.opcnamespace) END,
  'multirange', format_type(r.rngmultitypid, NULL),
  'functions', (SELECT coalesce(json_agg((pg_identify_object('pg_proc'::regclass, f, 0)).identity), '[]')
                  FROM unnest(ARRAY[r.rngcanonical::oid, r.rngsubdiff::oid]) AS f WHERE f >= ${FIRST_OWN_OID}))`
