import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { FOLLOWING, refuseTriggers } from '../refuse-triggers.ts'

/**
 * Sees that the database does nothing by itself with what is changed: the log has the rows that a foreign key's action
 * changed in the monolith, and a cascade of the service's own would run ahead of them.
 * Manual: "session_replication_role".
 * @throws Failure 4 that names the trigger or the foreign key, and the right that passes over it.
 */
export async function assertUnhindered(client: pg.Client, service: Service): Promise<void> {
  await refuseTriggers(client, service, FOLLOWING)
  const { rows } = await client.query<{ name: string; table: string; role: string }>(
    `SELECT quote_ident(conname) AS name, conrelid::regclass::text AS table, current_user::text AS role
       FROM pg_constraint
      WHERE contype = 'f' AND (conrelid = ANY ($1::text[]::regclass[]) OR confrelid = ANY ($1::text[]::regclass[]))
        AND current_setting('session_replication_role') <> 'replica' ORDER BY conname LIMIT 1`,
    [service.entities.map(tableSql)],
  )
  const [first] = rows
  if (first === undefined) return
  throw new Failure(
    4,
    `Service ${service.name}: the foreign key ${first.name} of table ${first.table} would act on changes that the monolith's own has acted on already: let the role pass over it (from PostgreSQL 15 on, as superuser: GRANT SET ON PARAMETER session_replication_role TO ${first.role}; before 15 it must be a superuser), then run consume again.`,
  )
}
