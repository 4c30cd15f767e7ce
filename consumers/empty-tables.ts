import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

/**
 * Sees that tables that Scission never filled have no rows: they are somebody's, and loading would remove them.
 * @throws Failure 4 that names the table.
 */
export async function assertEmpty(
  client: pg.Client,
  service: Service,
  entities: readonly Entity[] = service.entities,
): Promise<void> {
  for (const entity of entities)
    if (await hasRows(client, entity))
      throw new Failure(
        4,
        `Service ${service.name}: table ${tableSql(entity)} is not empty, and Scission did not fill it: empty it, or give the service a database of its own.`,
      )
}

/**
 * Sees that every table can be emptied: PostgreSQL truncates no table that a foreign key of another one refers to, and
 * to delete its rows would carry the foreign key's action into a table that is not the contract's.
 * @throws Failure 4 that names the foreign key.
 */
export async function assertCanBeEmptied(client: pg.Client, service: Service): Promise<void> {
  for (const entity of service.entities) await assertUnreferred(client, service, entity)
}

/** Empties a table that is not empty, with what earlier loading left of rows that were never committed. */
export async function emptyTable(client: pg.Client, service: Service, entity: Entity): Promise<void> {
  const { rows } = await client.query<{ used: string }>('SELECT pg_relation_size($1::regclass) > 0 AS used', [
    tableSql(entity),
  ])
  if (rows[0]?.used !== 't') return
  const referrer = await assertUnreferred(client, service, entity)
  if (referrer === null) await client.query(`TRUNCATE TABLE ONLY ${tableSql(entity)}`)
}

async function hasRows(client: pg.Client, entity: Entity): Promise<boolean> {
  const { rows } = await client.query<{ found: string }>(
    `SELECT EXISTS (SELECT FROM ONLY ${tableSql(entity)}) AS found`,
  )
  return rows[0]?.found === 't'
}

/** @returns the foreign key of another table that refers to an empty one; null where there is none. */
async function assertUnreferred(client: pg.Client, service: Service, entity: Entity): Promise<string | null> {
  const { rows } = await client.query<{ name: string; referrer: string }>(
    `SELECT conname AS name, conrelid::regclass::text AS referrer FROM pg_constraint
      WHERE contype = 'f' AND confrelid = $1::regclass AND conrelid <> confrelid ORDER BY conname`,
    [tableSql(entity)],
  )
  const [first] = rows
  if (first === undefined) return null
  if (!(await hasRows(client, entity))) return first.name
  throw new Failure(
    4,
    `Service ${service.name}: table ${tableSql(entity)} must be emptied to be loaded anew, and the foreign key ${JSON.stringify(first.name)} of table ${first.referrer} refers to it: drop that foreign key, run consume again, and add it afterwards.`,
  )
}
