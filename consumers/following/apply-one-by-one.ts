import pg from 'pg'
import { Failure, unreachable } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { outageCause } from '../database-outage.ts'
import { emptyTable } from './apply-together.ts'
import { deleteRows, insertRows, OtherCount, updateRows } from './change-sql.ts'
import type { RowChange } from './row-change.ts'

/**
 * Applies changes in the very order in which the monolith made them.
 * @throws Failure 4 for the one that the table does not take; it names the change, its key and the cause.
 */
export async function applyOneByOne(client: pg.Client, service: Service, changes: readonly RowChange[]): Promise<void> {
  for (const change of changes) {
    try {
      await applyOne(client, change)
    } catch (cause) {
      throw changeFailure(service, change, cause)
    }
  }
}

async function applyOne(client: pg.Client, change: RowChange): Promise<void> {
  const { table } = change.place
  switch (change.op) {
    case 'insert':
      return await insertRows(client, table, [change.row])
    case 'update':
      return await updateRows(client, table, [change])
    case 'delete':
      return await deleteRows(client, table, [change.key])
    case 'truncate':
      return await emptyTable(client, table.entity)
    default:
      return unreachable(change)
  }
}

/** Nothing of it is stored: the checkpoint stands before its transaction. */
function changeFailure(service: Service, change: RowChange, cause: unknown): unknown {
  const isCount = cause instanceof OtherCount
  if (!isCount && (!(cause instanceof pg.DatabaseError) || outageCause(cause) !== null)) return cause
  const { lsn, ordinal, table } = change.place
  const of = `${change.op} of ${tableSql(table.entity)}${keyText(change)} at ${lsn}/${ordinal}`
  return new Failure(
    4,
    `Service ${service.name}: the table does not take the ${of}: ${isCount ? countText(cause) : saidBy(change, cause)}; nothing of its transaction is stored: see who else writes to the service's database, put the row right, then run consume again.`,
    { cause },
  )
}

function countText({ expected, found }: OtherCount): string {
  return found < expected ? 'the row is not there' : `${found} rows have this key`
}

/** PostgreSQL's sentence may quote a value: where the entity has secrets, only its code is shown. */
function saidBy({ place }: RowChange, cause: unknown): string {
  if (!(cause instanceof pg.DatabaseError)) return String(cause)
  const hasSecret = place.table.entity.columns.some(({ secret }) => secret)
  return hasSecret ? `SQLSTATE ${cause.code}` : `${cause.message}, SQLSTATE ${cause.code}`
}

function keyText(change: RowChange): string {
  if (change.op === 'truncate') return ''
  const { columns, keyPlaces } = change.place.table
  const shown = keyPlaces.map((place, index) => {
    const { name, secret } = columns[place] ?? { name: '', secret: true }
    return `${name} = ${secret ? '(secret)' : JSON.stringify(change.key.values[index])}`
  })
  return ` (${shown.join(', ')})`
}
