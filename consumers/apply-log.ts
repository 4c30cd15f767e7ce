import type pg from 'pg'
import { Failure, unreachable } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import type { AttemptControl, Control, EpochControl, ManifestControl } from '../contracts/wire/message.ts'
import type { LogMessage } from '../infra/nats/read-log.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { inTransaction } from '../infra/postgres/session.ts'
import type { Phase } from '../infra/service-database/state-ddl.ts'
import { buildObjects } from './build-objects.ts'
import { decideAttempt, decideEpoch, decideManifest, type Known, ledgerShortfalls } from './decide-message.ts'
import type { ConsumerEvent } from './events.ts'
import type { LoaderPool } from './loader-pool.ts'
import { assertFollows, type Numbered } from './log-order.ts'
import type { PageLoading } from './page-loading.ts'
import * as state from './service-state.ts'
import { setAsideForLoading } from './set-aside.ts'

export interface LogApplication {
  readonly service: Service
  readonly stream: string
  /** The session that holds the lease: whatever is not a page is done by it, when no loader is at work. */
  readonly leader: pg.Client
  readonly loaders: LoaderPool
  readonly loading: PageLoading
  readonly report: (event: ConsumerEvent) => void
}

/**
 * Applies a service's log in order. Pages go to the loaders, several at a time; everything else waits until they are
 * done. docs/architecture.md has the states and the crash points.
 */
export class LogApplier {
  readonly #application: LogApplication
  #epoch: number
  #phase: Phase
  readonly #attempts: Map<string, number>
  #previous: Numbered | null = null

  constructor(
    application: LogApplication,
    checkpoint: state.Checkpoint,
    entities: ReadonlyMap<string, state.EntityState>,
  ) {
    this.#application = application
    this.#epoch = checkpoint.epoch
    this.#phase = checkpoint.phase
    this.#attempts = new Map(application.service.entities.map(({ name }) => [name, entities.get(name)?.attempt ?? 0]))
  }

  get phase(): Phase {
    return this.#phase
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Goes on with what a crash left half done, before the log is read. */
  async resume(): Promise<void> {
    if (this.#phase === 'indexing') await this.#build()
  }

  async apply(message: LogMessage): Promise<void> {
    assertFollows(this.#application.stream, this.#previous, message)
    this.#previous = { sequence: message.sequence, epoch: message.epoch, number: message.number }
    const { loading } = this.#application
    loading.watermark.began(message.sequence)
    if ((await loading.take(this.#known(), message)) === 'taken') return
    const decoded = decodeMessage(message.payload)
    switch (decoded.kind) {
      case 'control':
        await this.#applyControl(decoded)
        break
      case 'change':
        throw this.#refuse(
          `message ${message.sequence} holds changes, which this release does not apply: use the release that published them`,
        )
      case 'page':
      case 'part':
        throw this.#refuse(
          `message ${message.sequence} holds rows under the subject ${message.subject}: the log was written by something else`,
        )
      default:
        return unreachable(decoded)
    }
    loading.watermark.applied(message.sequence)
  }

  async #applyControl(control: Control): Promise<void> {
    switch (control.control) {
      case 'epoch':
        return decideEpoch(this.#known(), control) === 'enter' ? await this.#enterEpoch(control) : undefined
      case 'contract':
        return this.#application.loading.learnShape(control)
      case 'attempt':
        return decideAttempt(this.#known(), control) === 'enter' ? await this.#enterAttempt(control) : undefined
      case 'complete':
        return this.#application.report({
          type: 'expectation-known',
          service: this.#application.service.name,
          entity: control.entity,
          rows: control.rows,
        })
      case 'manifest':
        return decideManifest(this.#known(), control) === 'close' ? await this.#close(control) : undefined
      default:
        return unreachable(control)
    }
  }

  /** One transaction: the epoch, the void attempts, and what stands in the way of loading. */
  async #enterEpoch({ epoch, systemId }: EpochControl): Promise<void> {
    const { leader, loading, service } = this.#application
    await loading.drain()
    await inTransaction(leader, 'BEGIN', async () => {
      if (this.#epoch === 0) await this.#assertEmpty()
      await state.enterEpoch(leader, epoch, systemId)
      await setAsideForLoading(leader, service)
    })
    this.#epoch = epoch
    for (const { name } of service.entities) this.#attempts.set(name, 0)
    this.#enterPhase('loading')
  }

  /** Rows that were there before the first epoch are somebody's: loading would empty the table. */
  async #assertEmpty(): Promise<void> {
    const { leader, service } = this.#application
    for (const entity of service.entities) {
      const { rows } = await leader.query<{ found: string }>(
        `SELECT EXISTS (SELECT FROM ONLY ${tableSql(entity)}) AS found`,
      )
      if (rows[0]?.found === 't')
        throw this.#refuse(
          `table ${tableSql(entity)} is not empty, and Scission did not fill it: empty it, or give the service a database of its own`,
        )
    }
  }

  async #enterAttempt({ entity: name, attempt, snapshot }: AttemptControl): Promise<void> {
    const { leader, loading, service } = this.#application
    const entity = this.#entity(name)
    await loading.drain()
    await inTransaction(leader, 'BEGIN', async () => {
      if (this.#phase !== 'loading') await setAsideForLoading(leader, service)
      await leader.query(`TRUNCATE TABLE ONLY ${tableSql(entity)}`)
      await state.enterAttempt(leader, { epoch: this.#epoch, entity: name, attempt, snapshot })
    })
    this.#attempts.set(name, attempt)
    if (this.#phase !== 'loading') this.#enterPhase('loading')
  }

  async #close(control: ManifestControl): Promise<void> {
    const { leader, loading } = this.#application
    await loading.drain()
    const shortfalls = ledgerShortfalls(control, await state.readLedgerTotals(leader, this.#epoch))
    if (shortfalls.length > 0)
      throw this.#refuse(
        `the log's manifest is not met: ${shortfalls.join('; ')}: the log is not whole; begin a new epoch with publish --new-epoch`,
      )
    await inTransaction(leader, 'BEGIN', async () => {
      for (const totals of control.entities) await state.storeExpectation(leader, totals)
      await state.storePosition(leader, control.consistencyPoint)
      await state.setPhase(leader, 'indexing')
    })
    await this.#build()
  }

  async #build(): Promise<void> {
    const { leader, loaders, report, service } = this.#application
    this.#enterPhase('indexing')
    await buildObjects({ leader, loaders, service, report })
    await state.setPhase(leader, 'following')
    this.#enterPhase('following')
  }

  #enterPhase(phase: Phase): void {
    this.#phase = phase
    this.#application.report({ type: 'phase-entered', service: this.#application.service.name, phase })
  }

  #entity(name: string): Entity {
    const entity = this.#application.service.entities.find((candidate) => candidate.name === name)
    if (entity === undefined) throw new Error(`The decision let an unknown entity pass: ${name}`)
    return entity
  }

  #known(): Known {
    return { service: this.#application.service.name, epoch: this.#epoch, phase: this.#phase, attempts: this.#attempts }
  }

  #refuse(clause: string): Failure {
    return new Failure(4, `Service ${this.#application.service.name}: ${clause}.`)
  }
}
