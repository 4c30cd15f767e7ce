import { Failure, unreachable } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
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

/** Reads changes that wait as ones that can be applied. */
export class ParkedChangeReader {
  readonly #service: Service
  /** By the entity and the columns that have values: changes of one table are applied together. */
  readonly #tables = new Map<string, ChangedTable>()

  constructor(service: Service) {
    this.#service = service
  }

  /** @throws Failure 4 where the contract does not have its entity or a column any more. */
  read({ entity, lsn, ordinal }: ChangeName, { key: values, op, row: kept }: ParkedChange): RowChange {
    const table = this.#table(entity, Object.keys(kept))
    const place = { table, lsn, ordinal }
    const key: RowKey = { name: JSON.stringify(values), values }
    const row = table.columns.map((column): SqlValue => kept[column.name])
    switch (op) {
      case 'insert':
        return { op, key, row, place }
      case 'update': {
        const after = JSON.stringify(table.keyPlaces.map((at, index) => row[at] ?? values[index] ?? null))
        return { op, key, row, newKey: after === key.name ? null : after, place }
      }
      case 'delete':
        return { op, key, place }
      case 'truncate':
        return { op, place }
      default:
        return unreachable(op)
    }
  }

  #table(name: string, columns: readonly string[]): ChangedTable {
    const id = JSON.stringify([name, columns.toSorted()])
    const known = this.#tables.get(id)
    if (known !== undefined) return known
    const table = tableOf(this.#service, name, new Set(columns))
    this.#tables.set(id, table)
    return table
  }
}

/** The columns that have values, and the key's. */
function tableOf(service: Service, entityName: string, names: ReadonlySet<string>): ChangedTable {
  const entity = service.entities.find(({ name }) => name === entityName)
  if (entity === undefined) throw unknown(service, entityName)
  const missing = [...names].find((name) => !entity.columns.some((column) => column.name === name))
  if (missing !== undefined) throw unknown(service, `${entityName}.${missing}`)
  const columns = entity.columns.filter(({ name }) => names.has(name) || entity.key.includes(name))
  return { entity, columns, keyPlaces: entity.key.map((name) => columns.findIndex((column) => column.name === name)) }
}

function unknown(service: Service, what: string): Failure {
  return new Failure(
    4,
    `Service ${service.name}: a parked change has ${what}, which the contract does not have: use the contract set with which it was parked.`,
  )
}
