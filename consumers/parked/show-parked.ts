import type pg from 'pg'
import type { Service } from '../../contracts/language/contract-set.ts'
import { beginning, SECRET, visibleText } from '../../infra/verify/visible-text.ts'
import type { RowChange } from '../following/row-change.ts'
import type { ParkedChange } from './parked-change.ts'
import * as store from './parked-store.ts'
import { findParked, type ParkedTransaction } from './parked-transactions.ts'

/** A value that a parked change has, in a form that shows what cannot be seen; a secret is never shown. */
export interface ShownValue {
  readonly column: string
  readonly value: string
}

export interface ShownChange {
  readonly ordinal: number
  readonly op: RowChange['op']
  readonly entity: string
  /** The key before the change; none of a truncate. */
  readonly key: readonly ShownValue[]
  /** What the row has after it, where the change says so. */
  readonly row: readonly ShownValue[]
}

export interface ShownTransaction extends ParkedTransaction {
  /** In the monolith's order, at most as many as were asked for. */
  readonly shown: readonly ShownChange[]
}

/** @throws Failure 4 where nothing of the transaction is parked. */
export async function showParked(
  client: pg.Client,
  service: Service,
  position: string,
  limit: number,
): Promise<ShownTransaction> {
  const parked = await findParked(client, service.name, position)
  const changes = limit === 0 ? [] : await store.readChanges(client, position, -1, limit)
  return { ...parked, shown: changes.map((each) => shownChange(service, each)) }
}

function shownChange(
  { entities }: Service,
  { change, entity, ordinal }: { readonly change: ParkedChange; readonly entity: string; readonly ordinal: number },
): ShownChange {
  const { columns = [], key: keyNames = [] } = entities.find(({ name }) => name === entity) ?? {}
  // What the contract does not have any more may have been a secret.
  const isSecret = (name: string): boolean => columns.find((column) => column.name === name)?.secret !== false
  const shown = (column: string, value: string | null): ShownValue => ({
    column,
    value: isSecret(column) ? SECRET : visibleText(beginning(value)),
  })
  return {
    ordinal,
    op: change.op,
    entity,
    key: change.key.map((value, index) => shown(keyNames[index] ?? '', value)),
    row: Object.entries(change.row).map(([column, value]) => shown(column, value)),
  }
}
