import pg from 'pg'
import { unreachable } from '../../contracts/failure.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { outageCause } from '../database-outage.ts'
import { emptyTable } from './apply-together.ts'
import { deleteRows, insertRows, OtherCount, updateRows } from './change-sql.ts'
import type { RowChange } from './row-change.ts'

/** A change that the table does not take; the sentence names it, its key and the cause. */
export class RefusedChange extends Error {
  /** The position of its transaction. */
  readonly lsn: string

  constructor(sentence: string, lsn: string, cause: unknown) {
    super(sentence, { cause })
    this.lsn = lsn
  }
}

/**
 * Applies changes in the very order in which the monolith made them.
 * @throws RefusedChange for the first that the table does not take.
 */
export async function applyOneByOne(client: pg.Client, changes: readonly RowChange[]): Promise<void> {
  for (const change of changes) {
    try {
      await applyOne(client, change)
    } catch (cause) {
      throw refusalOf(change, cause)
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

/** An outage says nothing of the change. */
function refusalOf(change: RowChange, cause: unknown): unknown {
  const isCount = cause instanceof OtherCount
  if (!isCount && (!(cause instanceof pg.DatabaseError) || outageCause(cause) !== null)) return cause
  const { lsn, ordinal, table } = change.place
  const of = `${change.op} of ${tableSql(table.entity)}${keyText(change)} at ${lsn}/${ordinal}`
  const why = isCount ? countText(change, cause) : saidBy(change, cause)
  return new RefusedChange(`the table does not take the ${of}: ${why}`, lsn, cause)
}

function countText({ op }: RowChange, { expected, found }: OtherCount): string {
  if (op === 'insert') return 'the table let it in, and holds nothing of it'
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
