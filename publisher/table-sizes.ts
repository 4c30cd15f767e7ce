import type pg from 'pg'
import type { Entity } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import type { TableSize } from './chunk-plan.ts'

/** The sizes of tables, in one query. Manual: "Database Object Size Functions". */
export async function readTableSizes(client: pg.Client, entities: readonly Entity[]): Promise<Map<Entity, TableSize>> {
  const { rows } = await client.query<{ blocks: string; bytes: string; rows: string }>(
    `SELECT (pg_relation_size(class.oid) / current_setting('block_size')::bigint)::text AS blocks,
            pg_table_size(class.oid)::text AS bytes, greatest(class.reltuples, 0)::bigint::text AS rows
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       JOIN pg_class AS class ON class.oid = wanted.name::regclass ORDER BY place`,
    [entities.map(tableSql)],
  )
  return new Map(
    rows.flatMap(({ blocks, bytes, rows: estimated }, place) => {
      const entity = entities[place]
      return entity === undefined
        ? []
        : [[entity, { blocks: Number(blocks), bytes: Number(bytes), estimatedRows: Number(estimated) }]]
    }),
  )
}
