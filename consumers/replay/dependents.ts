import type pg from 'pg'
import { z } from 'zod'
import type { Service } from '../../contracts/language/contract-set.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'

const DEPENDENT = z.object({ table: z.string(), description: z.string() })

/** What rests on a table in use, or is so with it, that a swap cannot carry over to the new one. */
export type Dependent = z.infer<typeof DEPENDENT>

/**
 * Everything that would go on meaning the old table after a swap, or that no statement gives to another table: views,
 * rules, functions and types that rest on a table, its columns, its row type or the sequence of an identity column;
 * policies and defaults of other tables; inheritance and partitions; membership in an extension or a subscription; and
 * publications of all tables, which would send the shadow's rows. A swap needs that there is none.
 *
 * Bodies of functions that are kept as text are not looked into: they name their tables, and find the new ones. Nor are
 * event triggers, which rest on no table; they run for the statements of a swap as for any others.
 */
export async function readDependents(client: pg.Client, service: Service): Promise<Dependent[]> {
  const tables = service.entities.map(tableSql)
  return await jsonRows(
    client,
    DEPENDENT,
    `WITH ${LIVE},
     referred AS (
       SELECT table_name, oid AS table_oid, 'pg_class'::regclass AS classid, oid AS objid FROM live
       UNION ALL SELECT table_name, live.oid, 'pg_type'::regclass, t.oid FROM live JOIN pg_type t ON t.typrelid = live.oid
       UNION ALL SELECT table_name, live.oid, 'pg_type'::regclass, t.typarray FROM live JOIN pg_type t ON t.typrelid = live.oid WHERE t.typarray <> 0
       UNION ALL SELECT table_name, live.oid, 'pg_class'::regclass, indexrelid FROM live JOIN pg_index ON indrelid = live.oid
       UNION ALL SELECT table_name, live.oid, 'pg_constraint'::regclass, con.oid FROM live JOIN pg_constraint con ON con.conrelid = live.oid
       UNION ALL SELECT table_name, live.oid, 'pg_class'::regclass, d.objid FROM live JOIN pg_depend d ON d.refobjid = live.oid
          WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjsubid > 0
     ),
     found AS (
       ${[...KINDS, DEPENDING].join(' UNION ')}
     )
     SELECT json_build_object('table', table_name, 'description', description) AS row
       FROM found ORDER BY table_name COLLATE "C", description COLLATE "C"`,
    [tables],
  )
}

const LIVE = `live AS (SELECT name AS table_name, c.* FROM unnest($1::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name))`

/** What a table itself is or belongs to. */
const KINDS = [
  `SELECT table_name, format('it is %s, not an ordinary table', CASE relkind WHEN 'p' THEN 'a partitioned table' WHEN 'v' THEN 'a view'
      WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table' ELSE 'something else' END) AS description FROM live WHERE relkind <> 'r'`,
  `SELECT table_name, format('it is a temporary table') FROM live WHERE relpersistence = 't'`,
  `SELECT table_name, format('it is made of type %s', format_type(reloftype, NULL)) FROM live WHERE reloftype <> 0`,
  `SELECT table_name, format('it is a child or a partition of table %s', inhparent::regclass) FROM live JOIN pg_inherits ON inhrelid = live.oid`,
  `SELECT table_name, format('it is part of extension %I', extname) FROM live
     JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = live.oid AND d.deptype = 'e'
     JOIN pg_extension e ON e.oid = d.refobjid`,
  // Not everyone may read pg_subscription.
  `SELECT table_name, format('it is a target of %s', pg_describe_object('pg_subscription'::regclass, srsubid, 0))
     FROM live JOIN pg_subscription_rel ON srrelid = live.oid`,
  `SELECT table_name, format('publication %I is of all tables', pubname) FROM live, pg_publication WHERE puballtables`,
  `SELECT table_name, format('foreign key %I of partitioned table %s refers to it', conname, conrelid::regclass) FROM live
     JOIN pg_constraint con ON con.confrelid = live.oid AND con.contype = 'f' AND con.conparentid = 0
     JOIN pg_class c ON c.oid = con.conrelid AND c.relkind <> 'r'`,
  `SELECT table_name, format('foreign key %I of table %s has disabled triggers', conname, conrelid::regclass) FROM live
     JOIN pg_constraint con ON live.oid IN (con.conrelid, con.confrelid) AND con.contype = 'f' AND con.conparentid = 0
    WHERE EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = con.oid AND tgenabled <> 'O')`,
]

const OWN = 'EXISTS (SELECT FROM referred own WHERE own.classid = d.classid AND own.objid = d.objid)'

/**
 * Objects of these kinds that belong to a table of the service are carried over. Whatever else rests on one is not, nor
 * is what rests on a row type: copies of it would mean the old table's.
 */
const DEPENDING = `
  SELECT table_name, CASE WHEN d.classid = 'pg_rewrite'::regclass AND v.relkind IN ('v', 'm')
           THEN pg_describe_object('pg_class'::regclass, v.oid, 0) ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END
    FROM referred JOIN pg_depend d ON d.refclassid = referred.classid AND d.refobjid = referred.objid
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid LEFT JOIN pg_class v ON v.oid = r.ev_class
   WHERE d.deptype <> 'e' AND NOT CASE
     WHEN d.classid = 'pg_type'::regclass THEN ${OWN}
     WHEN d.refclassid = 'pg_type'::regclass THEN false
     WHEN d.classid = 'pg_class'::regclass THEN
       d.objid = d.refobjid
       OR ${OWN} AND d.objid NOT IN (SELECT oid FROM live)
       OR d.deptype = 'a' AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')
       OR EXISTS (SELECT FROM live WHERE live.reltoastrelid = d.objid)
     WHEN d.classid = 'pg_attrdef'::regclass THEN
       EXISTS (SELECT FROM pg_attrdef JOIN live ON live.oid = adrelid WHERE pg_attrdef.oid = d.objid AND adrelid = d.refobjid)
     WHEN d.classid = 'pg_constraint'::regclass THEN
       ${OWN} OR EXISTS (SELECT FROM pg_constraint con WHERE con.oid = d.objid AND con.contype = 'f')
     WHEN d.classid = 'pg_policy'::regclass THEN
       EXISTS (SELECT FROM pg_policy JOIN live ON live.oid = polrelid WHERE pg_policy.oid = d.objid)
     WHEN d.classid = 'pg_trigger'::regclass THEN
       EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid AND (t.tgisinternal OR t.tgrelid IN (SELECT oid FROM live)))
     ELSE d.classid IN ('pg_statistic_ext'::regclass, 'pg_publication_rel'::regclass) END`
