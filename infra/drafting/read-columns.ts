import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'

/** Objects with lower oids are PostgreSQL's own, and every database has them. Manual: "Object Identifier Types". */
export const FIRST_OWN_OID = 16_384

const COLUMN = z.object({
  oid: z.string(),
  name: z.string(),
  typeOid: z.string(),
  isArray: z.boolean(),
  collation: z.string().nullable(),
  isVirtual: z.boolean(),
  needs: z.array(
    z.object({
      kind: z.enum(['function', 'operator', 'sequence', 'type']),
      name: z.string(),
      oid: z.string(),
      extension: z.string().nullable(),
    }),
  ),
  sequence: z.object({ name: z.string(), options: z.string().nullable() }).nullable(),
})

/**
 * What columns have beside name, type and default. A default's needs are in `pg_depend`, but for PostgreSQL's own.
 * Manual: "pg_attribute", "pg_depend", "pg_sequence".
 */
export async function readColumnFacts(client: pg.Client, oids: readonly string[]): Promise<z.infer<typeof COLUMN>[]> {
  return await jsonRows(
    client,
    COLUMN,
    `SELECT json_build_object(
       'oid', a.attrelid::text, 'name', a.attname,
       'typeOid', coalesce(element.oid, a.atttypid)::text, 'isArray', element.oid IS NOT NULL,
       'collation', (SELECT format('%I.%I', n.nspname, l.collname)
                       FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                      WHERE l.oid = a.attcollation AND l.oid <> t.typcollation),
       'isVirtual', a.attgenerated = 'v',
       'needs', ${NEEDS},
       'sequence', ${SEQUENCE}) AS row
     FROM pg_attribute a
     JOIN pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_type element ON element.typarray = t.oid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum`,
    [oids],
  )
}

/**
 * A table among the needs is the column's own: a generated value is made of its other columns. Before PostgreSQL 15 its
 * needs are the column's, and not its expression's.
 */
const NEEDS = `(
  SELECT coalesce(json_agg(json_build_object(
           'kind', CASE dep.refclassid WHEN 'pg_proc'::regclass THEN 'function' WHEN 'pg_operator'::regclass THEN 'operator'
                                       WHEN 'pg_type'::regclass THEN 'type' ELSE 'sequence' END,
           'name', (pg_identify_object(dep.refclassid, dep.refobjid, 0)).identity,
           'oid', dep.refobjid::text,
           'extension', (SELECT e.extname FROM pg_depend m JOIN pg_extension e ON e.oid = m.refobjid
                          WHERE m.classid = dep.refclassid AND m.objid = dep.refobjid AND m.deptype = 'e'))
         ORDER BY dep.refclassid, dep.refobjid), '[]')
    FROM pg_depend dep
   WHERE (dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
          OR a.attgenerated <> '' AND dep.classid = 'pg_class'::regclass AND dep.objid = a.attrelid
             AND dep.objsubid = a.attnum)
     AND dep.refobjid >= ${FIRST_OWN_OID}
     AND (dep.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
          OR dep.refclassid = 'pg_class'::regclass
             AND (SELECT relkind FROM pg_class WHERE oid = dep.refobjid) = 'S'))`

/** Where a sequence begins is no option: the service's is set past the rows that it gets. */
const SEQUENCE = `(
  SELECT json_build_object('name', format('%I.%I', n.nspname, s.relname),
           'options', CASE WHEN q.seqincrement <> 1 OR q.seqmin <> 1 OR q.seqcycle THEN
              format('INCREMENT BY %s MINVALUE %s MAXVALUE %s%s', q.seqincrement, q.seqmin, q.seqmax,
                     CASE WHEN q.seqcycle THEN ' CYCLE' END) END)
    FROM pg_depend o
    JOIN pg_class s ON s.oid = o.objid AND s.relkind = 'S'
    JOIN pg_namespace n ON n.oid = s.relnamespace
    JOIN pg_sequence q ON q.seqrelid = s.oid
   WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid
     AND o.refobjsubid = a.attnum AND o.deptype IN ('a', 'i')
   ORDER BY s.oid LIMIT 1)`
