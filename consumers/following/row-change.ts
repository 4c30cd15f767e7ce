import { unreachable } from '../../contracts/failure.ts'
import type { ContractColumn, Entity } from '../../contracts/language/contract-set.ts'
import { LongRun } from '../../contracts/wire/long-run.ts'
import type { ChangeRun, WireRow } from '../../contracts/wire/message.ts'
import type { PageColumn } from '../../contracts/wire/page-to-copy.ts'
import { checkRow } from '../../contracts/wire/wire-row.ts'
import type { Piece } from './batch.ts'
import { ChangeColumnReader, type TextElements } from './change-columns.ts'
import { type SqlValue, sqlValue } from './sql-value.ts'

/** A key's values, in the contract's order, and what tells it from others. */
export interface RowKey {
  readonly name: string
  readonly values: readonly SqlValue[]
}

/** The columns of a service's table that changes of one shape carry, in their order. */
export interface ChangedTable {
  readonly entity: Entity
  readonly columns: readonly ContractColumn[]
  /** The places of the key's columns among them. */
  readonly keyPlaces: readonly number[]
}

/** One change of a row as it is to be applied, and where it came from. */
export type RowChange =
  | { readonly op: 'insert'; readonly key: RowKey; readonly row: readonly SqlValue[]; readonly place: ChangePlace }
  | {
      readonly op: 'update'
      /** The row's key before; `row` has the one after. */
      readonly key: RowKey
      readonly row: readonly SqlValue[]
      /** The name of the row's key after, where it is another one. */
      readonly newKey: string | null
      readonly place: ChangePlace
    }
  | { readonly op: 'delete'; readonly key: RowKey; readonly place: ChangePlace }
  | { readonly op: 'truncate'; readonly place: ChangePlace }

/** Position and table of a change, for sentences. */
export interface ChangePlace {
  readonly table: ChangedTable
  readonly lsn: string
  readonly ordinal: number
}

/** Reads changes of one shape for a service's table. */
export class ChangeReader {
  readonly table: ChangedTable
  readonly #columns: readonly PageColumn[]
  /** The place in a wire row of each column that is kept. */
  readonly #kept: readonly number[]
  readonly #columnReader: ChangeColumnReader

  /** @param columns those of the shape; what the service's database computes by itself is left out. */
  constructor(entity: Entity, columns: readonly PageColumn[], memory: TextElements[] = []) {
    this.#columns = columns
    this.#kept = columns.flatMap(({ leftOut }, index) => (leftOut === true ? [] : [index]))
    const kept = this.#kept.map((index) => columnOf(entity, columns[index]?.name ?? ''))
    const keyPlaces = entity.key.map((name) => kept.findIndex((column) => column.name === name))
    this.table = { entity, columns: kept, keyPlaces }
    const ofKeys = keyPlaces.map((place) => this.#kept[place] ?? 0)
    const asked = { ofRows: this.#kept, ofKeys }
    this.#columnReader = new ChangeColumnReader(`A change of ${entity.name}`, columns, asked, memory)
  }

  /** The changes of a run; of a long one of one kind, its columns, and the changes when they are asked for. */
  piece(run: ChangeRun): Piece {
    const { last, lsn } = run
    const columns = run instanceof LongRun ? this.#columnReader.read(run) : null
    if (columns === null) return { lsn, last, changes: this.read(run) }
    const read = (): RowChange[] => this.read(run)
    return {
      lsn,
      last,
      columns: { ...columns, table: this.table },
      // To copy the piece would be to read them.
      get changes() {
        return read()
      },
    }
  }

  /** @throws WireError where a row does not fit the shape's columns. */
  read({ changes, lsn }: ChangeRun): RowChange[] {
    return changes.map((change): RowChange => {
      const place = { table: this.table, lsn, ordinal: change[0] }
      const op = change[1]
      switch (op) {
        case 'I': {
          const row = this.#row(change[2])
          return { op: 'insert', key: this.#key(row), row, place }
        }
        case 'U': {
          const row = this.#row(change[2])
          const after = this.#key(row)
          const key = change[3] === null ? after : this.#key(this.#row(change[3]))
          return { op: 'update', key, row, newKey: key.name === after.name ? null : after.name, place }
        }
        case 'D':
          return { op: 'delete', key: this.#key(this.#row(change[2])), place }
        case 'T':
          return { op: 'truncate', place }
        default:
          return unreachable(op)
      }
    })
  }

  #row(row: WireRow): SqlValue[] {
    checkRow(row, this.#columns, `A change of ${this.table.entity.name}`)
    return this.#kept.map((index) => sqlValue(row[index] ?? null))
  }

  #key(row: readonly SqlValue[]): RowKey {
    const values = this.table.keyPlaces.map((place) => row[place])
    return { name: JSON.stringify(values), values }
  }
}

function columnOf(entity: Entity, name: string): ContractColumn {
  const column = entity.columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new Error(`A shape of ${entity.name} was let pass with a column that it has not`)
  return column
}
