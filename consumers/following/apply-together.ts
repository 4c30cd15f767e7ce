import type pg from 'pg'
import { unreachable } from '../../contracts/failure.ts'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { deleteRows, insertRows, updateRows } from './change-sql.ts'
import { foldChanges, type Step } from './fold-changes.ts'
import type { RowChange } from './row-change.ts'

/**
 * Applies changes by as few statements as their order lets it: table by table, each row once. Foreign keys and triggers
 * do not act in the session, so the tables' order means nothing.
 */
export async function applyTogether(client: pg.Client, changes: readonly RowChange[]): Promise<void> {
  const byTable = new Map<Entity, RowChange[]>()
  for (const change of changes) {
    const { entity } = change.place.table
    const own = byTable.get(entity)
    if (own === undefined) byTable.set(entity, [change])
    else own.push(change)
  }
  for (const [entity, own] of byTable) for (const step of foldChanges(own)) await applyStep(client, entity, step)
}

async function applyStep(client: pg.Client, entity: Entity, step: Step): Promise<void> {
  switch (step.kind) {
    case 'truncate':
      return await emptyTable(client, entity)
    case 'key change':
      return await updateRows(client, step.change.place.table, [step.change])
    case 'rows':
      await deleteRows(client, step.table, step.deletes)
      await updateRows(client, step.table, step.updates)
      return await insertRows(client, step.table, step.inserts)
    default:
      return unreachable(step)
  }
}

/** PostgreSQL truncates no table that a foreign key refers to, whatever the session's role. */
export async function emptyTable(client: pg.Client, entity: Entity): Promise<void> {
  const { rows } = await client.query<{ referred: string }>(
    `SELECT EXISTS (SELECT FROM pg_constraint
                     WHERE contype = 'f' AND confrelid = $1::regclass AND conrelid <> confrelid) AS referred`,
    [tableSql(entity)],
  )
  const command = rows[0]?.referred === 't' ? 'DELETE FROM' : 'TRUNCATE'
  await client.query(`${command} ONLY ${tableSql(entity)}`)
}
