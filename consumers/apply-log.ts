import type pg from 'pg'
import { Failure, unreachable } from '../contracts/failure.ts'
import type { ContractSet, Entity, Service } from '../contracts/language/contract-set.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { decodeLongRun } from '../contracts/wire/long-run.ts'
import { messageKind } from '../contracts/wire/message-kind.ts'
import type * as wire from '../contracts/wire/message.ts'
import { WireError } from '../contracts/wire/wire-error.ts'
import { crashPoint } from '../infra/crash-point.ts'
import type { LogMessage } from '../infra/nats/read-log.ts'
import { inTransaction, type PostgresTarget } from '../infra/postgres/session.ts'
import { LOCK_PATIENCE, withLockPatience } from '../infra/prepare/lock-patience.ts'
import type { Phase } from '../infra/service-database/state-ddl.ts'
import { buildObjects } from './build-objects.ts'
import { PartCollector, type WholeMessage } from './collect-parts.ts'
import { decideAttempt, decideChange, decideEpoch, decideManifest, ledgerShortfalls } from './decide-message.ts'
import type { ChangeApplier } from './following/change-applier.ts'
import type { LogStop } from './following/position-stop.ts'
import { assertCanBeEmptied, assertEmpty, emptyTable } from './empty-tables.ts'
import type { ConsumerEvent } from './events.ts'
import type { Beginning } from './find-beginning.ts'
import type { LoaderPool } from './loader-pool.ts'
import { assertFollows, type Numbered } from './log-order.ts'
import type { PageLoading } from './page-loading.ts'
import { lockParked } from './parked/parked-store.ts'
import { refuseTriggers } from './refuse-triggers.ts'
import * as state from './service-state.ts'
import { Standing } from './standing.ts'
import { setAsideForLoading } from './set-aside.ts'
import type { KnownShapes } from './shapes.ts'
import type { Watermark } from './watermark.ts'

export interface LogApplication {
  readonly set: ContractSet
  readonly service: Service
  /** Entities of the service of which nothing is applied. */
  readonly passedOver: ReadonlySet<string>
  readonly database: PostgresTarget
  readonly stream: string
  /** The session that holds the lease: whatever is not a page is done by it, when no loader is at work. */
  readonly leader: pg.Client
  readonly loaders: LoaderPool
  readonly loading: PageLoading
  readonly changes: ChangeApplier
  readonly stop: LogStop
  readonly shapes: KnownShapes
  readonly watermark: Watermark
  readonly report: (event: ConsumerEvent) => void
}

/**
 * Applies a service's log in order. Pages go to the loaders, several at a time; everything else waits until they are
 * done. docs/architecture.md has the states and the crash points.
 */
export class LogApplier {
  readonly #application: LogApplication
  readonly #beginning: Beginning
  readonly #standing: Standing
  readonly #parts = new PartCollector()
  #previous: Numbered | null
  /** Whether changes were passed over, which wait in the log until the tables are complete. */
  #isHolding = false
  #isCompleted = false
  #isStopped = false

  constructor(application: LogApplication, checkpoint: state.Checkpoint, beginning: Beginning) {
    this.#application = application
    this.#beginning = beginning
    const { service, set } = application
    const of = { contractSet: set.name, service: service.name, announced: beginning.announced }
    this.#standing = new Standing(of, checkpoint)
    this.#previous = beginning.previous
  }

  get phase(): Phase {
    return this.#standing.phase
  }

  get epoch(): number {
    return this.#standing.epoch
  }

  /**
   * Whether the log is to be read on from where the hint stands, as a new run would: the tables are complete since this one
   * began, and changes may wait there.
   */
  get mustReadAgain(): boolean {
    return this.#isCompleted && this.#standing.phase === 'following'
  }

  /** Whether all before the point is taken at which the reading ends. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Goes on with what a crash left half done, before the log is read. What is overtaken need not be finished. */
  async resume(): Promise<void> {
    const { leader, service } = this.#application
    this.#enterPhase(this.#standing.phase)
    if (this.#standing.phase === 'loading') await refuseTriggers(leader, service)
    if (this.#standing.phase === 'indexing' && !this.#beginning.isOvertaken) await this.#build()
  }

  async apply(message: LogMessage): Promise<void> {
    const { stream, watermark } = this.#application
    assertFollows(stream, this.#previous, message)
    const { epoch, number, sequence, writer } = message
    this.#previous = { sequence, epoch, number }
    watermark.began(sequence, writer)
    watermark.applied(this.#parts.enterWriter(writer))
    try {
      const whole = this.#parts.collect(message)
      if (whole !== null) await this.#applyWhole(whole, sequence)
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw this.#refuse(
        `message ${sequence} of stream ${stream} cannot be read: ${cause.message.replace(/\.$/, '')}; use the scission that published it, or begin a new epoch with publish --new-epoch`,
        cause,
      )
    }
  }

  async #applyWhole(whole: WholeMessage, sequence: number): Promise<void> {
    const { loading, watermark } = this.#application
    if (messageKind(whole.payload) === 'page') return await loading.take(this.#standing.known(), whole)
    const message = decodeLongRun(whole.payload) ?? decodeMessage(whole.payload)
    switch (message.kind) {
      case 'control':
        await this.#applyControl(message, whole.sequences[0] ?? sequence)
        break
      case 'change':
        return await this.#applyChange(message, whole)
      case 'page':
      case 'part':
        throw this.#refuse(`message ${sequence} is a part that holds parts: the log was written by something else`)
      default:
        return unreachable(message)
    }
    watermark.applied(whole.sequences)
  }

  /**
   * Changes come beside the pages, and are applied when the tables are complete. Until then the first of them holds the
   * hint where it is, and from there the log is read again.
   */
  async #applyChange(message: wire.ChangeMessage, { payload, sequences }: WholeMessage): Promise<void> {
    const { watermark } = this.#application
    const decision = decideChange(this.#standing.known(), message)
    if (decision === 'apply' && !this.#isHolding) return await this.#take(message, payload.length, sequences)
    if (decision === 'skip' || this.#isHolding) return watermark.applied(sequences)
    this.#isHolding = true
    watermark.held(sequences)
  }

  /** Where a verification's point is in the message, the database is shown as of that point. */
  async #take(message: wire.ChangeMessage, bytes: number, sequences: readonly number[]): Promise<void> {
    const { changes, stop } = this.#application
    const split = stop.split(message)
    if (split !== null) {
      if (split.before.length > 0) await changes.take({ ...message, runs: split.before }, 0, [])
      await stop.show()
      this.#isStopped = stop.isEnd
      if (stop.isEnd) return
    }
    await changes.take(split === null ? message : { ...message, runs: split.after }, bytes, sequences)
  }

  async #applyControl(control: wire.Control, sequence: number): Promise<void> {
    const { passedOver } = this.#application
    switch (control.control) {
      case 'epoch':
        return decideEpoch(this.#standing.known(), control) === 'enter'
          ? await this.#enterEpoch(control, sequence)
          : undefined
      case 'contract':
        return await this.#learn(control)
      case 'attempt':
        if (passedOver.has(control.entity)) return undefined
        return decideAttempt(this.#standing.known(), control) === 'enter'
          ? await this.#enterAttempt(control)
          : undefined
      case 'chunk':
        // It tells a publisher that goes on; the pages are what is loaded.
        return undefined
      case 'complete':
        return this.#application.report({
          type: 'expectation-known',
          service: this.#application.service.name,
          entity: control.entity,
          rows: control.rows,
        })
      case 'manifest':
        return await this.#applyManifest(withoutEntities(control, passedOver))
      case 'marker':
        return this.#standing.phase === 'following'
          ? await this.#application.stop.marker(control.name, control.lsn)
          : undefined
      default:
        return unreachable(control)
    }
  }

  /** Also a shape that is the contract's own is stored: pages of it must be read when the contract has another one. */
  async #learn(control: wire.ContractControl): Promise<void> {
    const { leader, shapes } = this.#application
    shapes.learn(control)
    await state.storeShape(leader, control)
  }

  /** One transaction: the epoch, the void attempts, and what stands in the way of loading. */
  async #enterEpoch(control: wire.EpochControl, sequence: number): Promise<void> {
    const { changes, leader, loading, service } = this.#application
    await loading.drain()
    await changes.abandon()
    await this.#withTables(service.entities, async () => {
      if (this.#standing.epoch === 0) await assertEmpty(leader, service)
      await refuseTriggers(leader, service)
      await state.enterEpoch(leader, control, sequence)
      await setAsideForLoading(leader, service)
      await assertCanBeEmptied(leader, service)
    })
    crashPoint('consume-epoch-entered')
    this.#standing.enterEpoch(control)
    this.#enterPhase('loading')
  }

  async #enterAttempt(control: wire.AttemptControl): Promise<void> {
    const { leader, loading, service } = this.#application
    const entity = service.entities.find(({ name }) => name === control.entity)
    if (entity === undefined) throw new Error(`The decision let an unknown entity pass: ${control.entity}`)
    await loading.drain()
    await this.#stopFollowing()
    const tables = this.#standing.phase === 'loading' ? [entity] : service.entities
    await this.#withTables(tables, async () => {
      await refuseTriggers(leader, service)
      if (await state.isUnfilled(leader, entity.name)) await assertEmpty(leader, service, [entity])
      if (this.#standing.phase !== 'loading') await setAsideForLoading(leader, service)
      await emptyTable(leader, service, entity)
      await state.enterAttempt(leader, control)
    })
    crashPoint('consume-attempt-entered')
    this.#standing.enterAttempt(control)
    if (this.#standing.phase !== 'loading') this.#enterPhase('loading')
  }

  /** A transaction that is open by now waits in the log, from its first message on: nothing of it is stored. */
  async #stopFollowing(): Promise<void> {
    const { changes } = this.#application
    if (this.#standing.phase !== 'following') return
    await changes.drain()
    this.#isHolding = await changes.abandon()
  }

  async #applyManifest(control: wire.ManifestControl): Promise<void> {
    const decision = decideManifest(this.#standing.known(), control)
    if (decision === 'close') await this.#close(control)
    if (decision === 'move the point')
      await state.storeConsistencyPoint(this.#application.leader, control.consistencyPoint)
  }

  async #close(control: wire.ManifestControl): Promise<void> {
    const { leader, loading } = this.#application
    await loading.drain()
    const ledger = await state.readLedgerTotals(leader, this.#standing.epoch)
    const shortfalls = ledgerShortfalls(control, ledger, this.#standing.entities)
    if (shortfalls.length > 0)
      throw this.#refuse(
        `the log's manifest is not met: ${shortfalls.join('; ')}: the log is not whole; begin a new epoch with publish --new-epoch`,
      )
    await inTransaction(leader, 'BEGIN', async () => {
      for (const totals of control.entities) await state.storeExpectation(leader, totals)
      await state.storeConsistencyPoint(leader, control.consistencyPoint)
      await state.setPhase(leader, 'indexing')
    })
    crashPoint('consume-manifest-stored')
    await this.#build()
  }

  async #build(): Promise<void> {
    const { leader, loaders, report, service } = this.#application
    if (this.#standing.phase !== 'indexing') this.#enterPhase('indexing')
    await buildObjects({ leader, loaders, service, report })
    crashPoint('consume-objects-built')
    await state.setPhase(leader, 'following')
    this.#isCompleted = true
    crashPoint('consume-following')
    this.#enterPhase('following')
  }

  /**
   * A transaction of the leader's, in which it may lock these tables, and what is parked of them; a lock that others hold
   * is not waited for long.
   */
  async #withTables(tables: readonly Entity[], action: () => Promise<void>): Promise<void> {
    const { database, leader } = this.#application
    const hindered = 'they could not be loaded'
    const locked = { hindered, where: database.title, tables, mode: 'ACCESS EXCLUSIVE' as const }
    await withLockPatience(leader, locked, LOCK_PATIENCE, async () => {
      await lockParked(leader, true)
      await action()
    })
  }

  #enterPhase(phase: Phase): void {
    this.#standing.phase = phase
    this.#application.report({ type: 'phase-entered', service: this.#application.service.name, phase })
  }

  #refuse(clause: string, cause?: Error): Failure {
    return new Failure(4, `Service ${this.#application.service.name}: ${clause}.`, { cause })
  }
}

function withoutEntities(control: wire.ManifestControl, passedOver: ReadonlySet<string>): wire.ManifestControl {
  return { ...control, entities: control.entities.filter(({ entity }) => !passedOver.has(entity)) }
}
