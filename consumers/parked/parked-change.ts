import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import type { ChangedTable, RowChange, RowKey } from '../following/row-change.ts'
import type { SqlValue } from '../following/sql-value.ts'

/** A change as it is kept: by the names of its columns, so that it can be applied whatever the contract becomes. */
export interface ParkedChange {
  readonly op: RowChange['op']
  /** The key's values before, in the contract's order; none of a truncate. */
  readonly key: readonly (string | null)[]
  /** Values by column, as PostgreSQL's text; those that an update leaves as they are, are not among them. */
  readonly row: Readonly<Record<string, string | null>>
}

/** What identifies a change that waits. */
export interface ChangeName {
  readonly lsn: string
  readonly ordinal: number
  readonly entity: string
}

export function toParked(change: RowChange): ParkedChange {
  const { columns } = change.place.table
  const key = change.op === 'truncate' ? [] : change.key.values.map((value) => value ?? null)
  const row = change.op === 'insert' || change.op === 'update' ? change.row : []
  const named = row.flatMap((value, place): [string, string | null][] => {
    const name = columns[place]?.name
    return value === undefined || name === undefined ? [] : [[name, value]]
  })
  return { op: change.op, key, row: Object.fromEntries(named) }
}

/**
 * Reads a change that waits as one that can be applied.
 * @throws Failure 4 where the contract does not have its entity or a column any more.
 */
export function fromParked(service: Service, name: ChangeName, parked: ParkedChange): RowChange {
  const entity = service.entities.find((candidate) => candidate.name === name.entity)
  if (entity === undefined) throw unknown(service, name.entity)
  const table = tableOf(service, entity, parked)
  const place = { table, lsn: name.lsn, ordinal: name.ordinal }
  const key: RowKey = { name: JSON.stringify(parked.key), values: parked.key }
  const row = table.columns.map((column): SqlValue => parked.row[column.name])
  switch (parked.op) {
    case 'insert':
      return { op: 'insert', key, row, place }
    case 'update': {
      const after = JSON.stringify(table.keyPlaces.map((at, index) => row[at] ?? parked.key[index] ?? null))
      return { op: 'update', key, row, newKey: after === key.name ? null : after, place }
    }
    case 'delete':
      return { op: 'delete', key, place }
    case 'truncate':
      return { op: 'truncate', place }
  }
}

/** The columns that the change has values for, and the key's. */
function tableOf(service: Service, entity: Entity, { row }: ParkedChange): ChangedTable {
  const missing = Object.keys(row).find((name) => !entity.columns.some((column) => column.name === name))
  if (missing !== undefined) throw unknown(service, `${entity.name}.${missing}`)
  const columns = entity.columns.filter(({ name }) => Object.hasOwn(row, name) || entity.key.includes(name))
  return { entity, columns, keyPlaces: entity.key.map((name) => columns.findIndex((column) => column.name === name)) }
}

function unknown(service: Service, what: string): Failure {
  return new Failure(
    4,
    `Service ${service.name}: a parked change has ${what}, which the contract does not have: use the contract set with which it was parked.`,
  )
}
