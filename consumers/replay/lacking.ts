import type pg from 'pg'
import { z } from 'zod'
import type { Service } from '../../contracts/language/contract-set.ts'
import { BECOMING } from './grants.ts'
import { jsonRows } from '../../infra/catalog/json-rows.ts'

const LACKING = z.object({ clause: z.string() })

/**
 * The rights that the session's role lacks for making shadows of a service's tables and swapping them in, each as a
 * clause such as `the rights of role app, which owns table public.item`. A superuser lacks none.
 * It comes before everything else here, which fails where a schema may not be looked into.
 *
 * Manual: "ALTER TABLE", "Privileges".
 */
export async function readLacking(client: pg.Client, service: Service): Promise<string[]> {
  const rows = await jsonRows(
    client,
    LACKING,
    `WITH live AS (SELECT format('%I.%I', schema, relname) AS name, c.* FROM unnest($1::text[], $2::text[]) AS wanted (schema, relname)
                JOIN pg_namespace n ON n.nspname = schema JOIN pg_class c USING (relname) WHERE c.relnamespace = n.oid),
     keys AS (SELECT con.*, live.name, con.conrelid IN (SELECT oid FROM live) AS outward FROM pg_constraint con
                JOIN live ON live.oid IN (con.conrelid, con.confrelid)
               WHERE con.contype = 'f' AND con.conparentid = 0),
     lacking (part, clause) AS (${PARTS.join(' UNION ')})
     SELECT json_build_object('clause', clause) AS row FROM lacking
      WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) ORDER BY part, clause COLLATE "C"`,
    [service.entities.map(({ schema }) => schema), service.entities.map(({ table }) => table)],
  )
  return rows.map(({ clause }) => clause)
}

/**
 * Ownership as the statements ask for it, and as giving a new table to the same owner asks for it: from PostgreSQL 16 on a
 * member may lack that. Manual: "GRANT", WITH SET.
 */
function isAs(role: string): string {
  return `(pg_has_role(${role}, 'USAGE') AND pg_has_role(${role}, ${BECOMING}))`
}

const PARTS = [
  `SELECT 0, format('CREATE on database %I', current_database()) WHERE NOT has_database_privilege(current_database(), 'CREATE')`,
  `SELECT 1, format('%s on schema %I', wanted, n.nspname) FROM unnest($1::text[]) AS schema JOIN pg_namespace n ON n.nspname = schema,
          unnest(ARRAY['USAGE', 'CREATE']) AS wanted WHERE NOT has_schema_privilege(n.oid, wanted)`,
  `SELECT 2, format('the rights of role %I, which owns table %s', pg_get_userbyid(relowner), name) FROM live WHERE NOT ${isAs('relowner')}`,
  `SELECT 3, format('CREATE on tablespace %I', spcname) FROM live
     LEFT JOIN pg_index ON indrelid = live.oid LEFT JOIN pg_class i ON i.oid = indexrelid
     JOIN pg_tablespace s ON s.oid IN (live.reltablespace, i.reltablespace) WHERE NOT has_tablespace_privilege(s.oid, 'CREATE')`,
  `SELECT 4, format('EXECUTE on function %s, which a trigger of table %s runs', tgfoid::regprocedure, name) FROM live
     JOIN pg_trigger ON tgrelid = live.oid AND NOT tgisinternal WHERE NOT has_function_privilege(tgfoid, 'EXECUTE')`,
  `SELECT 5, format('USAGE on type %s of table %s', format_type(atttypid, NULL), name) FROM live
     JOIN pg_attribute ON attrelid = live.oid AND attnum > 0 AND NOT attisdropped WHERE NOT has_type_privilege(atttypid, 'USAGE')`,
  `SELECT 6, format('the rights of role %I, which owns table %s, whose foreign key %I refers to table %s',
                    pg_get_userbyid(c.relowner), conrelid::regclass, conname, name)
     FROM keys JOIN pg_class c ON c.oid = conrelid WHERE NOT outward AND NOT ${isAs('c.relowner')}`,
  `SELECT 7, format('REFERENCES on table %s, to which foreign key %I of table %s refers', confrelid::regclass, conname, name)
     FROM keys WHERE outward AND confrelid NOT IN (SELECT oid FROM live) AND NOT has_table_privilege(confrelid, 'REFERENCES')`,
  `SELECT 8, format('the rights of role %I, which owns publication %I, to which table %s belongs', pg_get_userbyid(pubowner), pubname, name)
     FROM live JOIN pg_publication_rel ON prrelid = live.oid JOIN pg_publication p ON p.oid = prpubid WHERE NOT ${isAs('pubowner')}`,
  `SELECT 9, format('the rights of role %I, which owns statistics %I of table %s', pg_get_userbyid(stxowner), stxname, name)
     FROM live JOIN pg_statistic_ext ON stxrelid = live.oid WHERE NOT ${isAs('stxowner')}`,
  `SELECT 10, format('CREATE on schema %s, where statistics %I of table %s lie', stxnamespace::regnamespace, stxname, name)
     FROM live JOIN pg_statistic_ext ON stxrelid = live.oid WHERE NOT has_schema_privilege(stxnamespace, 'CREATE')`,
]
