import type pg from 'pg'
import type { Entity } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import type { ForeignKey } from './decide-readings.ts'

/** The foreign keys that the monolith has between these tables; a contract need not name them all. Manual: "pg_constraint". */
export async function readForeignKeys(client: pg.Client, entities: readonly Entity[]): Promise<ForeignKey[]> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `WITH wanted AS (SELECT name, name::regclass AS oid FROM unnest($1::text[]) AS name)
     SELECT DISTINCT referring.name AS "from", referred.name AS "to"
       FROM pg_constraint JOIN wanted AS referring ON referring.oid = conrelid
       JOIN wanted AS referred ON referred.oid = confrelid WHERE contype = 'f'`,
    [entities.map(tableSql)],
  )
  return rows
}
