import { unreachable } from '../../contracts/failure.ts'
import type { ChangedTable, RowChange, RowKey } from './row-change.ts'
import type { SqlValue } from './sql-value.ts'

/** What several changes of one table come to; steps are to be taken in their order. */
export type Step =
  | FoldedRows
  | { readonly kind: 'key change'; readonly change: Extract<RowChange, { op: 'update' }> }
  | { readonly kind: 'truncate' }

/** At most one of each row: rows that go, rows that change, rows that come. They are to be taken in this order. */
export interface FoldedRows {
  readonly kind: 'rows'
  readonly table: ChangedTable
  readonly deletes: readonly RowKey[]
  readonly updates: readonly { readonly key: RowKey; readonly row: readonly SqlValue[] }[]
  readonly inserts: readonly (readonly SqlValue[])[]
}

type Folded =
  | { readonly state: 'inserted'; readonly row: readonly SqlValue[] }
  | { readonly state: 'updated'; readonly key: RowKey; readonly row: readonly SqlValue[] }
  | { readonly state: 'deleted'; readonly key: RowKey }
  | { readonly state: 'replaced'; readonly key: RowKey; readonly row: readonly SqlValue[] }
  /** Inserted and deleted again. */
  | { readonly state: 'gone' }

/** A change that cannot follow the ones before it: applied one by one, the database says of which and why. */
export class ImpossibleChange extends Error {}

/**
 * Folds consecutive changes of one table, in their order, so that each row is touched once. A change of a key is a barrier,
 * since before and after it the same key may be another row; a truncate makes everything before it void.
 * @throws ImpossibleChange where a row is inserted twice, or changed after it was deleted.
 */
export function foldChanges(changes: readonly RowChange[]): Step[] {
  const steps: Step[] = []
  let rows = new Map<string, Folded>()
  let table: ChangedTable | null = null
  const close = (): void => {
    if (table !== null && rows.size > 0) steps.push(foldedRows(table, rows))
    rows = new Map()
  }
  for (const change of changes) {
    if (change.place.table !== table) close()
    table = change.place.table
    if (change.op === 'truncate') {
      rows = new Map()
      steps.length = 0
      steps.push({ kind: 'truncate' })
    } else if (change.op === 'update' && change.newKey !== null) {
      close()
      steps.push({ kind: 'key change', change })
    } else rows.set(change.key.name, folded(rows.get(change.key.name), change))
  }
  close()
  return steps
}

function folded(before: Folded | undefined, change: Exclude<RowChange, { op: 'truncate' }>): Folded {
  const { key } = change
  switch (change.op) {
    case 'insert':
      if (before === undefined || before.state === 'gone') return { state: 'inserted', row: change.row }
      if (before.state === 'deleted') return { state: 'replaced', key, row: change.row }
      throw new ImpossibleChange('A row is inserted that is there')
    case 'update':
      if (before === undefined) return { state: 'updated', key, row: change.row }
      if (before.state === 'deleted' || before.state === 'gone')
        throw new ImpossibleChange('A row is updated that is not there')
      return { ...before, row: merged(before.row, change.row) }
    case 'delete':
      if (before === undefined || before.state === 'updated' || before.state === 'replaced')
        return { state: 'deleted', key }
      if (before.state === 'inserted') return { state: 'gone' }
      throw new ImpossibleChange('A row is deleted that is not there')
    default:
      return unreachable(change)
  }
}

/** A value that an update leaves as it is, is what it was before. */
function merged(before: readonly SqlValue[], after: readonly SqlValue[]): SqlValue[] {
  return after.map((value, index) => (value === undefined ? before[index] : value))
}

function foldedRows(table: ChangedTable, rows: ReadonlyMap<string, Folded>): FoldedRows {
  const deletes: RowKey[] = []
  const updates: { key: RowKey; row: readonly SqlValue[] }[] = []
  const inserts: (readonly SqlValue[])[] = []
  for (const row of rows.values()) {
    if (row.state === 'deleted' || row.state === 'replaced') deletes.push(row.key)
    if (row.state === 'updated') updates.push(row)
    if (row.state === 'inserted' || row.state === 'replaced') inserts.push(row.row)
  }
  return { kind: 'rows', table, deletes, updates, inserts }
}
