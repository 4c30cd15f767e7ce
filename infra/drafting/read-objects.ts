import type pg from 'pg'
import { z } from 'zod'
import { jsonRows } from '../catalog/json-rows.ts'
import type { OtherObjects } from './monolith-facts.ts'

const NAMES = z.array(z.string())

const OBJECTS = z.object({
  views: NAMES,
  functions: NAMES,
  sequences: NAMES,
  partitioned: NAMES,
  extensions: NAMES,
  largeObjects: z.number(),
})

/** What the database has beside tables, types and their parts; what an extension brought is the extension's. */
export async function readObjects(client: pg.Client): Promise<OtherObjects> {
  const [objects] = await jsonRows(
    client,
    OBJECTS,
    `SELECT json_build_object(
       'views', ${relations("'v', 'm'")}, 'partitioned', ${relations("'p'")},
       'sequences', ${relations(
         "'S'",
         `NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
                         AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i'))`,
       )},
       'functions', (SELECT coalesce(json_agg(format('%I.%I', n.nspname, p.proname) ORDER BY n.nspname, p.proname), '[]')
                       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                      WHERE ${OWN_SCHEMA} AND ${notOfExtension('pg_proc', 'p.oid')}
                        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                                           AND d.objid = p.oid AND d.deptype = 'i')),
       'extensions', (SELECT coalesce(json_agg(extname ORDER BY extname), '[]') FROM pg_extension
                       WHERE extname <> 'plpgsql'),
       'largeObjects', (SELECT count(*) FROM pg_largeobject_metadata)) AS row`,
    [],
  )
  if (objects === undefined) throw new Error('A statement without FROM returned no row')
  return objects
}

const OWN_SCHEMA = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'scission') AND n.nspname !~ '^pg_(toast|temp_)'`

function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`
}

function relations(kinds: string, condition = 'true'): string {
  return `(SELECT coalesce(json_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname), '[]')
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN (${kinds}) AND c.relpersistence <> 't' AND ${OWN_SCHEMA} AND ${condition}
              AND ${notOfExtension('pg_class', 'c.oid')})`
}
