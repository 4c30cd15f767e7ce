import { changesOf, type Gathered, wholePart } from '../../consumers/following/batch.ts'
import { foldChanges } from '../../consumers/following/fold-changes.ts'
import { ChangeReader, type RowChange } from '../../consumers/following/row-change.ts'
import { assertFollows } from '../../consumers/log-order.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { parseLsn } from '../../contracts/positions.ts'
import { shapeOf } from '../../contracts/wire/shape.ts'
import { changeRuns, type SimulatedStream, type StreamMessage } from './simulated-broker.ts'
import { EPOCH } from './simulated-publisher.ts'
import type { Rows } from './simulated-monolith.ts'

/** A service's database: what is in it outlives the consumer, and changes by whole transactions. */
export interface ServiceDatabase {
  rows: Rows
  position: bigint
  /** All messages up to it are applied, and who wrote the one there. */
  hint: { readonly sequence: number; readonly writer: string }
}

export function emptyDatabase({ entities }: Service): ServiceDatabase {
  return {
    rows: new Map(entities.map(({ name }) => [name, new Map<string, string>()])),
    position: 0n,
    hint: { sequence: 0, writer: '' },
  }
}

/** One life of a service's consumer, by the decisions that the real one makes. */
export class SimulatedConsumer {
  readonly #service: Service
  readonly #database: ServiceDatabase
  readonly #stream: SimulatedStream
  readonly #readers = new Map<string, ChangeReader>()
  #gathered: Gathered[] = []
  #next: number
  #previous: { readonly message: StreamMessage; readonly sequence: number } | null = null

  constructor(service: Service, stream: SimulatedStream, database: ServiceDatabase) {
    this.#service = service
    this.#stream = stream
    this.#database = database
    const { sequence, writer } = database.hint
    const hinted = stream.messages[sequence - 1]
    const isThere = hinted !== undefined && hinted.writer === writer
    // A log that went back in time is read from its beginning: the position tells what is applied.
    this.#next = isThere ? sequence : 0
    if (isThere) this.#previous = { message: hinted, sequence }
  }

  /** Reads the next message. @returns whether there was one. */
  read(): boolean {
    const message = this.#stream.messages[this.#next]
    if (message === undefined) return false
    const sequence = this.#next + 1
    const previous = this.#previous
    assertFollows(
      this.#service.name,
      previous === null ? null : { sequence: previous.sequence, epoch: EPOCH, number: previous.message.number },
      { sequence, epoch: EPOCH, number: message.number },
    )
    this.#previous = { message, sequence }
    this.#next = sequence
    const pieces = changeRuns(message.payload)
      .filter(({ lsn }) => parseLsn(lsn) > this.#database.position)
      .map((run) => ({ lsn: run.lsn, last: run.last, changes: this.#reader(run.entity, run.shape).read(run) }))
    this.#gathered.push({ pieces, bytes: 0, sequences: [sequence] })
    return true
  }

  /** Applies the whole transactions that have gathered, and commits. */
  apply(): void {
    const batch = wholePart(this.#gathered)
    if (batch === null) return
    const database = this.#database
    const rows: Rows = new Map([...database.rows].map(([name, own]) => [name, new Map(own)]))
    for (const { entity, changes } of runsOf(changesOf(batch.pieces)))
      applyFolded(rows.get(entity) ?? new Map(), changes)
    // From here on nothing fails: it is one commit.
    database.rows = rows
    if (batch.position !== null) database.position = parseLsn(batch.position)
    this.#gathered = batch.rest
    const applied = batch.sequences.at(-1)
    const writer = this.#stream.messages[(applied ?? 0) - 1]?.writer
    if (applied !== undefined && writer !== undefined) database.hint = { sequence: applied, writer }
  }

  #reader(name: string, shape: string): ChangeReader {
    const entity = this.#service.entities.find((each) => each.name === name)
    if (entity === undefined) throw new Error(`Changes of ${name} came to ${this.#service.name}`)
    const reader = this.#readers.get(shape + name) ?? new ChangeReader(entity, shapeOf(entity).columns)
    this.#readers.set(shape + name, reader)
    return reader
  }
}

function runsOf(changes: readonly RowChange[]): { readonly entity: string; readonly changes: readonly RowChange[] }[] {
  const names = [...new Set(changes.map(({ place }) => place.table.entity.name))]
  return names.map((entity) => ({ entity, changes: changes.filter(({ place }) => place.table.entity.name === entity) }))
}

/** As a table takes it: a statement that does not touch the rows that it must is an error. */
function applyFolded(rows: Map<string, string>, changes: readonly RowChange[]): void {
  const remove = (key: string): void => {
    if (!rows.delete(key)) throw new Error(`${key} is not there`)
  }
  const add = ([key, value]: readonly unknown[]): void => {
    if (rows.has(String(key))) throw new Error(`${String(key)} is there already`)
    rows.set(String(key), String(value))
  }
  for (const step of foldChanges(changes))
    if (step.kind === 'truncate') rows.clear()
    else if (step.kind === 'key change') {
      remove(String(step.change.key.values[0]))
      add(step.change.row)
    } else {
      for (const { values } of step.deletes) remove(String(values[0]))
      for (const { key, row } of step.updates) {
        remove(String(key.values[0]))
        add(row)
      }
      for (const row of step.inserts) add(row)
    }
}
