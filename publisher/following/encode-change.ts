import { Failure } from '../../contracts/failure.ts'
import type { ContractColumn } from '../../contracts/language/contract-set.ts'
import { ValueWriter } from '../../contracts/wire/value-writer.ts'
import { WireError } from '../../contracts/wire/wire-error.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import {
  findValues,
  NULL_VALUE,
  type OldTuple,
  type PgoutputMessage,
  TEXT_VALUE,
  type Tuple,
  type ValuePlaces,
} from './pgoutput.ts'
import type { Route } from './routes.ts'

type RowChange = Extract<PgoutputMessage, { type: 'insert' | 'update' | 'delete' }>

/** Encodes changes as they came, one after the other; each result is a view that the next one overwrites. */
export class ChangeEncoder {
  readonly #writer = new ValueWriter()
  /** Those of the row at hand. */
  readonly #found: ValuePlaces = { states: [], from: [], to: [] }

  /** @throws Failure 4 where a value is not of its column's kind, which it does not show. */
  row(route: Route, ordinal: number, change: RowChange): Uint8Array {
    const isUpdate = change.type === 'update'
    this.#begin(ordinal, change.type === 'insert' ? 'I' : isUpdate ? 'U' : 'D', isUpdate ? 4 : 3)
    if (change.type === 'delete') this.#old(route, change.old)
    else this.#values(route, change.row, false)
    if (isUpdate && change.old === null) this.#writer.null()
    else if (isUpdate && change.old !== null) this.#old(route, change.old)
    return this.#writer.written()
  }

  truncate(ordinal: number, { cascade, restartIdentity }: { cascade: boolean; restartIdentity: boolean }): Uint8Array {
    this.#begin(ordinal, 'T', 3)
    const options = { cascade, restartIdentity }
    this.#writer.map(Object.keys(options).length)
    for (const [name, value] of Object.entries(options)) {
      this.#writer.text(name)
      this.#writer.boolean(value)
    }
    return this.#writer.written()
  }

  #begin(ordinal: number, op: string, size: number): void {
    this.#writer.clear()
    this.#writer.array(size)
    this.#writer.integer(ordinal)
    this.#writer.text(op)
  }

  /** Of a key alone the other columns come as null, and are absent. */
  #old(route: Route, tuple: OldTuple): void {
    this.#values(route, tuple, tuple.isKey)
  }

  #values(route: Route, tuple: Tuple, isKey: boolean): void {
    findValues(tuple, this.#found)
    const { columns, places } = route
    this.#writer.array(columns.length)
    for (let index = 0; index < columns.length; index++) {
      const { name, wire } = columns[index] as ContractColumn // Within the array.
      const place = places[index] ?? -1
      const state = this.#found.states[place]
      if (state === TEXT_VALUE) this.#value(route, name, wire, tuple, place)
      else if (state !== NULL_VALUE) this.#writer.unchanged()
      else if (isKey && !route.entity.key.includes(name)) this.#writer.absent()
      else this.#writer.null()
    }
  }

  #value(route: Route, name: string, wire: Parameters<ValueWriter['value']>[0], { bytes }: Tuple, place: number): void {
    try {
      this.#writer.value(wire, bytes, this.#found.from[place] ?? 0, this.#found.to[place] ?? 0)
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw new Failure(
        4,
        `A change of table ${tableSql(route.entity)} cannot be sent, column ${JSON.stringify(name)} (${wire}): ${cause.message.replace(/\.$/, '')}; compare the contract with the monolith by preflight.`,
        { cause },
      )
    }
  }
}
