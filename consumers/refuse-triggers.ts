import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { Service } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

interface Work {
  readonly name: string
  readonly done: string
  /** Bits of `pg_trigger.tgtype`. */
  readonly events: number
}

const [INSERT, DELETE, UPDATE, TRUNCATE] = [4, 8, 16, 32]
const LOADING: Work = { name: 'loading', done: 'loaded', events: INSERT | TRUNCATE }
export const FOLLOWING: Work = { name: 'following', done: 'changed', events: INSERT | DELETE | UPDATE | TRUNCATE }

/**
 * Sees that no trigger of the service's own would run on rows that are loaded, or on the emptying before: what it does
 * was done in the monolith. Those that run for the application alone are passed over by a session that may be one of
 * replication. Manual: "session_replication_role", and ENABLE TRIGGER under "ALTER TABLE".
 * @throws Failure 4 that names the trigger.
 */
export async function refuseTriggers(client: pg.Client, service: Service, work: Work = LOADING): Promise<void> {
  const { rows } = await client.query<{ table: string; name: string; role: string; enabled: string }>(
    `SELECT wanted.name AS table, quote_ident(tgname) AS name, current_setting('session_replication_role') AS role,
            tgenabled AS enabled
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place) JOIN pg_trigger ON tgrelid = wanted.name::regclass
      WHERE NOT tgisinternal AND tgtype & ${work.events} <> 0
        AND tgenabled IN ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
      ORDER BY wanted.place, tgname`,
    [service.entities.map(tableSql)],
  )
  const [first] = rows
  if (first === undefined) return
  const disable = `disable it for the ${work.name} (ALTER TABLE ${first.table} DISABLE TRIGGER ${first.name})`
  const grant = `${disable}, or let the role pass over it (from PostgreSQL 15 on: GRANT SET ON PARAMETER session_replication_role)`
  throw new Failure(
    4,
    `Service ${service.name}: trigger ${first.name} of table ${first.table} would run on every row that is ${work.done}: ${first.enabled === 'O' ? grant : disable}, then run consume again.`,
  )
}
