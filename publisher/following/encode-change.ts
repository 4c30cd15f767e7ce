import { Failure } from '../../contracts/failure.ts'
import { wireColumns } from '../../contracts/language/contract-set.ts'
import { ValueWriter } from '../../contracts/wire/value-writer.ts'
import { WireError } from '../../contracts/wire/wire-error.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { eachValue, NULL_VALUE, type OldTuple, type PgoutputMessage, TEXT_VALUE, type Tuple } from './pgoutput.ts'
import type { Route } from './routes.ts'

type RowChange = Extract<PgoutputMessage, { type: 'insert' | 'update' | 'delete' }>

/** Encodes changes as they came, one after the other; each result is bytes of its own. */
export class ChangeEncoder {
  readonly #writer = new ValueWriter()
  /** Of each column of the row at hand: its state, and where its text is. */
  readonly #states: number[] = []
  readonly #from: number[] = []
  readonly #to: number[] = []

  /** @throws Failure 4 where a value is not of its column's kind, which it does not show. */
  row(route: Route, ordinal: number, change: RowChange): Uint8Array {
    const isUpdate = change.type === 'update'
    this.#begin(ordinal, change.type === 'insert' ? 'I' : isUpdate ? 'U' : 'D', isUpdate ? 4 : 3)
    if (change.type === 'delete') this.#old(route, change.old)
    else this.#values(route, change.row, false)
    if (isUpdate && change.old === null) this.#writer.null()
    else if (isUpdate && change.old !== null) this.#old(route, change.old)
    return Uint8Array.from(this.#writer.written())
  }

  truncate(ordinal: number, { cascade, restartIdentity }: { cascade: boolean; restartIdentity: boolean }): Uint8Array {
    this.#begin(ordinal, 'T', 3)
    const options = { cascade, restartIdentity }
    this.#writer.map(Object.keys(options).length)
    for (const [name, value] of Object.entries(options)) {
      this.#writer.text(name)
      this.#writer.boolean(value)
    }
    return Uint8Array.from(this.#writer.written())
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
    eachValue(tuple, (index, state, from, to) => {
      this.#states[index] = state
      this.#from[index] = from
      this.#to[index] = to
    })
    const columns = wireColumns(route.entity)
    this.#writer.array(columns.length)
    for (const [index, { name, wire }] of columns.entries()) {
      const place = route.places[index] ?? -1
      const state = this.#states[place]
      if (state === TEXT_VALUE) this.#value(route, name, wire, tuple, place)
      else if (state !== NULL_VALUE) this.#writer.unchanged()
      else if (isKey && !route.entity.key.includes(name)) this.#writer.absent()
      else this.#writer.null()
    }
  }

  #value(route: Route, name: string, wire: Parameters<ValueWriter['value']>[0], { bytes }: Tuple, place: number): void {
    try {
      this.#writer.value(wire, bytes, this.#from[place] ?? 0, this.#to[place] ?? 0)
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
