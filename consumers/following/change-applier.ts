import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { parseLsn } from '../../contracts/positions.ts'
import { isVisible, parseVisibility, type Visibility } from '../../contracts/visibility.ts'
import type { ChangeMessage, ChangeRun } from '../../contracts/wire/message.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { outageCause } from '../database-outage.ts'
import type { ConsumerEvent } from '../events.ts'
import type { Parking } from '../parked/parking.ts'
import * as state from '../service-state.ts'
import type { KnownShapes } from '../shapes.ts'
import { applyChanges, applyPieces } from './apply-changes.ts'
import { RefusedChange } from './apply-one-by-one.ts'
import {
  type Batch,
  batchOf,
  changesOf,
  firstChanges,
  type Gathered,
  nextChanges,
  type Piece,
  transactionsOf,
  wholePart,
} from './batch.ts'
import type { TextElements } from './change-columns.ts'
import { ChangeReader } from './row-change.ts'
import { TableCheck } from './table-check.ts'

export interface ChangeApplierOptions {
  readonly service: Service
  /** Entities of which nothing is applied. */
  readonly passedOver: ReadonlySet<string>
  /**
   * A session of its own: a large transaction stays open in it while pages and controls are handled beside it. Null while
   * the tables are loaded, when no change is applied.
   */
  readonly client: pg.Client | null
  readonly shapes: KnownShapes
  readonly parking: Parking
  readonly epoch: number
  /** Where the service stands: transactions up to this position are applied. */
  readonly position: string | null
  /** The snapshot of each entity's attempt, by its name. */
  readonly snapshots: ReadonlyMap<string, string | null>
  readonly applied: (sequences: readonly number[]) => void
  /** Waits for room, which a table that is locked may not make for hours. */
  readonly awaitRoom: (room: Promise<void>) => Promise<void>
  readonly report: (event: ConsumerEvent) => void
  /** Is told of a failure that nobody waits for. */
  readonly failed: (error: Error) => void
}

/**
 * What may wait to be applied: then the reading waits. Changes take several times as much memory as they do in the log,
 * and a process may follow with ten services.
 */
const GATHER_BYTES = 2 * 1024 * 1024

/** So much a change takes as an object, at the least, however little of it there is in the log: narrow rows would be many. */
const CHANGE_BYTES = 400

/** Of the first batch, before it is known what the database takes: a run that is ended again and again comes on all the same. */
const FIRST_CHANGES = 200

/**
 * Applies a service's changes: transactions that gather while a batch is applied are the next batch, in one transaction of
 * the service's database, with the position that it comes to. So each change is applied exactly once in effect, and each
 * transaction of the monolith is there wholly or not at all. One that is larger than what may wait is applied piece by
 * piece in a transaction that stays open until its end.
 */
export class ChangeApplier {
  readonly #options: ChangeApplierOptions
  readonly #readers = new Map<string, ChangeReader>()
  /** All readers share it, so that it does not grow with the number of tables. */
  readonly #memory: TextElements[] = []
  readonly #visibilities = new Map<string, Visibility | null>()
  #position: string | null
  #gathered: Gathered[] = []
  /** So many changes the next batch is to have, or few more. */
  #mostChanges = FIRST_CHANGES
  #working: Promise<void> | null = null
  /** Is told after each batch, and when there is nothing more to do. */
  #waitingForRoom: (() => void)[] = []
  #failure: { readonly error: Error } | null = null
  /** Whether a transaction of the service's database is open with a part of one that is too large to wait. */
  #isSpilled = false
  #isAbandoned = false
  readonly #tables: TableCheck

  constructor(options: ChangeApplierOptions) {
    this.#options = options
    this.#position = options.position
    this.#tables = new TableCheck(options.service)
  }

  /** Takes a message; it is applied when `applied` is called. Waits while too much is waiting. */
  async take(message: ChangeMessage, bytes: number, sequences: readonly number[]): Promise<void> {
    this.#assertWhole()
    const pieces = message.runs.flatMap((run) => this.#pieceOf(run))
    this.#gathered.push({ pieces, bytes: Math.max(bytes, objectsIn(pieces) * CHANGE_BYTES), sequences })
    this.#working ??= this.#work()
    // Not for all that waits: a reader that goes on writes down how far it is.
    while (this.#working !== null && this.#gatheredBytes() > GATHER_BYTES)
      await this.#options.awaitRoom(new Promise((resolve) => this.#waitingForRoom.push(resolve)))
    this.#assertWhole()
  }

  /** Returns when every transaction is applied whose end was taken. */
  async drain(): Promise<void> {
    while (this.#working !== null) await this.#working
    this.#assertWhole()
  }

  /**
   * Gives up a transaction whose end did not come: what is next makes it void, or it is read again.
   * @returns whether there was one.
   */
  async abandon(): Promise<boolean> {
    this.#isAbandoned = true
    while (this.#working !== null) await this.#working
    const wasOpen = this.#gathered.length > 0 || this.#isSpilled
    this.#gathered = []
    if (this.#isSpilled) await this.#client.query('ROLLBACK')
    this.#isSpilled = false
    this.#isAbandoned = false
    this.#assertWhole()
    return wasOpen
  }

  get #client(): pg.Client {
    if (this.#options.client === null) throw new Error('Changes are applied to tables that are complete')
    return this.#options.client
  }

  #pieceOf(run: ChangeRun): Piece[] {
    const { passedOver, position, service } = this.#options
    const { lsn, last } = run
    if (position !== null && parseLsn(lsn) <= parseLsn(position)) return []
    if (passedOver.has(run.entity)) return [{ lsn, last, changes: [] }]
    const entity = service.entities.find(({ name }) => name === run.entity)
    if (entity === undefined)
      throw new Failure(
        4,
        `Service ${service.name}: the log has changes of ${run.entity}, which the contract does not have: use the contract set that the log was published with.`,
      )
    if (this.#isInSnapshot(entity, run)) return [{ lsn, last, changes: [] }]
    return [this.#reader(entity, run.shape).piece(run)]
  }

  /** The snapshot's pages have it already. */
  #isInSnapshot({ name }: Entity, { xid }: ChangeRun): boolean {
    let visibility = this.#visibilities.get(name)
    if (visibility === undefined) {
      const snapshot = this.#options.snapshots.get(name) ?? null
      visibility = snapshot === null ? null : parseVisibility(snapshot)
      this.#visibilities.set(name, visibility)
    }
    return visibility !== null && isVisible(visibility, BigInt(xid))
  }

  #reader(entity: Entity, shape: string): ChangeReader {
    const known = this.#readers.get(shape)
    if (known !== undefined) return known
    const reader = new ChangeReader(entity, this.#options.shapes.columnsOf(entity, shape), this.#memory)
    this.#readers.set(shape, reader)
    return reader
  }

  #gatheredBytes(): number {
    return this.#gathered.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #assertWhole(): void {
    if (this.#failure !== null) throw this.#failure.error
  }

  async #work(): Promise<void> {
    try {
      // What comes in the same moment goes along.
      await Promise.resolve()
      for (let batch = this.#nextBatch(); batch !== null && !this.#isAbandoned; batch = this.#nextBatch())
        await this.#applyTimed(batch)
    } catch (error) {
      const cause = await this.#causeOf(error)
      this.#failure = { error: cause }
      this.#options.failed(cause)
    } finally {
      this.#working = null
      this.#tellRoom()
    }
  }

  #tellRoom(): void {
    const waiting = this.#waitingForRoom
    this.#waitingForRoom = []
    for (const tell of waiting) tell()
  }

  async #applyTimed(batch: Batch): Promise<void> {
    const beganMs = performance.now()
    await this.#apply(batch)
    this.#tellRoom()
    if (batch.changes > 0) this.#mostChanges = nextChanges(batch.changes, performance.now() - beganMs)
  }

  /** The whole transactions that wait, as many as are soon applied; a part of one where it alone is too much to wait. */
  #nextBatch(): Batch | null {
    const { first, later } = firstChanges(this.#gathered, this.#mostChanges)
    const whole = wholePart(first)
    if (whole !== null) {
      this.#gathered = [...whole.rest, ...later]
      return whole
    }
    if (this.#gatheredBytes() <= GATHER_BYTES) return null
    const batch = { ...batchOf(this.#gathered), isWhole: false, rest: [] }
    this.#gathered = []
    return batch
  }

  async #apply(batch: Batch): Promise<void> {
    const { epoch, parking, report, service } = this.#options
    const client = this.#client
    const { changes, pieces, position } = batch
    if (batch.isWhole && changes === 0 && position === null) return this.#finish(batch)
    await this.#tables.first(client)
    this.#tables.changing(batch)
    await client.query(this.#isSpilled ? 'SAVEPOINT batch' : 'BEGIN; SAVEPOINT batch')
    const separated = parking.concerns(pieces) ? await parking.separate(client, changesOf(pieces)) : null
    let oneByOne: boolean
    try {
      if (separated === null) oneByOne = await applyPieces(client, pieces, 'batch')
      else oneByOne = await applyChanges(client, separated.toApply, 'batch')
    } catch (error) {
      if (batch.transactions < 2 || !(error instanceof RefusedChange)) throw error
      await client.query(this.#isSpilled ? 'ROLLBACK TO batch' : 'ROLLBACK')
      return await this.#applyUpToFailure(batch)
    }
    if (separated !== null) await parking.store(client, separated)
    crashPoint('consume-changes-applied')
    this.#isSpilled = !batch.isWhole
    if (batch.isWhole && position !== null) {
      await this.#tables.unaltered(client)
      await state.advancePosition(client, service.name, { epoch, from: this.#position, to: position })
      const parked = await parking.advanced(client, position)
      crashPoint('consume-position-advanced')
      const { command } = await client.query('COMMIT')
      if (command !== 'COMMIT') throw new Error(`A batch of changes ended with ${command}`)
      parking.stored(parked)
      crashPoint('consume-changes-stored')
      this.#position = position
    } else await client.query('RELEASE batch')
    const { transactions } = batch
    const applied = separated?.toApply.length ?? changes
    report({ type: 'changes-applied', service: service.name, transactions, changes: applied, oneByOne })
    this.#finish(batch)
  }

  /** One transaction after the other, so that those before the one that fails are stored. */
  async #applyUpToFailure(batch: Batch): Promise<void> {
    for (const transaction of transactionsOf(batch.pieces)) await this.#apply(transaction)
    this.#finish(batch)
  }

  #finish({ sequences }: Batch): void {
    this.#options.applied(sequences)
  }

  /**
   * What a table that was altered does not take says nothing of the change. Another one that is refused is noted, so that an
   * operator may choose to set its transaction aside.
   */
  async #causeOf(error: unknown): Promise<Error> {
    const isRefused = error instanceof RefusedChange
    if (!isRefused && !(error instanceof pg.DatabaseError && outageCause(error) === null))
      return error instanceof Error ? error : new Error(String(error))
    const { parking, service } = this.#options
    try {
      await this.#client.query('ROLLBACK')
      await this.#tables.look(this.#client)
      if (!isRefused) return error
      await parking.note(this.#client, error)
    } catch (cause) {
      return cause instanceof Error ? cause : error
    }
    return new Failure(
      4,
      `Service ${service.name}: ${error.message}; nothing of its transaction is stored: see who else writes to the service's database, put the row right, then run consume again; or set the transaction aside: parked add ${service.name} ${error.lsn}.`,
      { cause: error },
    )
  }
}

/** How many changes are objects: those that came in columns are not, unless somebody asks for them. */
function objectsIn(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece.columns === undefined ? piece.changes.length : 0), 0)
}
