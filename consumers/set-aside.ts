import type pg from 'pg'
import type { Service } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { type DroppableObject, readDroppableObjects } from './droppable-objects.ts'

/** An object that was dropped for the loading and is not yet back. */
export interface SetAside {
  readonly ordinal: string
  readonly entity: string
  readonly kind: DroppableObject['kind']
  readonly name: string
}

/** Drops what slows the loading of a service's tables, and records how to put it back, in the caller's transaction. */
export async function setAsideForLoading(client: pg.Client, service: Service): Promise<void> {
  const entities = new Map(service.entities.map((entity) => [tableSql(entity), entity.name]))
  for (const { table, kind, name, restore, drop } of await readDroppableObjects(client, [...entities.keys()])) {
    await client.query(
      `INSERT INTO set_aside (entity, kind, name, restore) VALUES ($1, $2, $3, $4)
       ON CONFLICT (entity, kind, name) DO UPDATE SET restore = excluded.restore`,
      [entities.get(table), kind, name, restore],
    )
    await client.query(drop)
  }
}

/** What is set aside and not yet back, in the order in which it was dropped. */
export async function readSetAside(client: pg.Client): Promise<readonly SetAside[]> {
  const { rows } = await client.query<SetAside & pg.QueryResultRow>(
    'SELECT ordinal::text, entity, kind, name FROM set_aside ORDER BY ordinal',
  )
  return rows
}

/** Puts one object back and forgets it, in the caller's transaction. */
export async function putBack(client: pg.Client, { ordinal }: SetAside): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT statement FROM set_aside, unnest(restore) WITH ORDINALITY AS t (statement, place)
      WHERE ordinal = $1 ORDER BY place`,
    [ordinal],
  )
  for (const { statement } of rows) await client.query(statement)
  await client.query('DELETE FROM set_aside WHERE ordinal = $1', [ordinal])
}
