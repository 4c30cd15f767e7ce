import type pg from 'pg'
import { z } from 'zod'
import type { TableName } from './catalog.ts'
import { jsonRows } from './json-rows.ts'

/** A table that holds rows, and the partitioned table at the top of its tree where it is a partition. */
export interface UserTable extends TableName {
  readonly partitionOf: TableName | null
}

const NAME = z.object({ schema: z.string(), table: z.string() })
const USER_TABLE = NAME.extend({ partitionOf: NAME.nullable() })

/**
 * Every table of every user's schema that holds rows or leads to rows (foreign tables); views, sequences, temporary
 * tables and what belongs to an extension are left out, and so is Scission's own schema.
 */
export async function readUserTables(client: pg.Client): Promise<UserTable[]> {
  return await jsonRows(
    client,
    USER_TABLE,
    `SELECT json_build_object('schema', n.nspname, 'table', c.relname, 'partitionOf',
              CASE WHEN c.relispartition THEN
                (SELECT json_build_object('schema', rn.nspname, 'table', rc.relname)
                   FROM pg_class rc JOIN pg_namespace rn ON rn.oid = rc.relnamespace
                  WHERE rc.oid = pg_partition_root(c.oid)) END) AS row
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'f') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'scission') AND n.nspname !~ '^pg_(toast|temp_)'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                 AND d.deptype = 'e')
     ORDER BY n.nspname, c.relname`,
    [],
  )
}
