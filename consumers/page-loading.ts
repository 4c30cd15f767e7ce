import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { readPageHeader } from '../contracts/wire/page-header.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { untilAborted } from '../infra/nats/outage.ts'
import type { WholeMessage } from './collect-parts.ts'
import { decidePage, type Known } from './decide-message.ts'
import type { ConsumerEvent } from './events.ts'
import { findInLedger } from './ledger.ts'
import type { LoaderPool } from './loader-pool.ts'
import { isDue, LoadingTransaction, totalsByEntity } from './loading-transaction.ts'
import { copyKey, groupByCopy, pageName, type PendingPage, placeOf, type TakenPage } from './pending-page.ts'
import type { KnownShapes } from './shapes.ts'

export interface PageLoadingOptions {
  readonly service: Service
  /** Entities of which nothing is loaded. */
  readonly passedOver: ReadonlySet<string>
  /** Looks pages up in the ledger: the loaders are in the middle of a COPY. */
  readonly leader: pg.Client
  readonly loaders: LoaderPool
  /** A loader commits when it has copied so much. */
  readonly transactionBytes: number
  readonly shapes: KnownShapes
  /** Bounds the pages in memory, over all services of a process. */
  readonly window: ByteWindow
  /** Ends a wait for the window, whose other users may be in no hurry. */
  readonly signal: AbortSignal
  readonly report: (event: ConsumerEvent) => void
  /** Told of stream sequences whose messages are applied, also of those that need not be. */
  readonly applied: (sequences: readonly number[]) => void
}

/** Pages are handed to a loader by so many: one look at the ledger for all of them, and what is held is still little. */
const BATCH_BYTES = 4 * 1024 * 1024
const BATCH_PAGES = 1_024

/** A transaction ends after this time too: what a crash takes is then no more, however slowly the log comes in. */
const TRANSACTION_MS = 5_000

/**
 * Collects pages into batches and hands them to the loaders, each of which copies several batches in one transaction.
 * docs/decisions/0006-loading-transactions.md has the reasons.
 */
export class PageLoading {
  readonly #options: PageLoadingOptions
  readonly #entities: ReadonlyMap<string, Entity>
  readonly #transactions = new Map<pg.Client, { readonly open: LoadingTransaction; readonly timer: NodeJS.Timeout }>()
  /** Pages that are taken and not committed, by their names: nobody else can see those in the ledger. */
  readonly #underWay = new Map<string, TakenPage>()
  #batch: PendingPage[] = []
  #batchBytes = 0
  #isAbandoned = false

  constructor(options: PageLoadingOptions) {
    this.#options = options
    this.#entities = new Map(options.service.entities.map((entity) => [entity.name, entity]))
  }

  /** Takes a page; it is loaded when `applied` is called, or when `drain` returns. */
  async take(known: Known, { payload, sequences }: WholeMessage): Promise<void> {
    const { applied, passedOver } = this.#options
    const header = readPageHeader(payload)
    if (passedOver.has(header.entity) || decidePage(known, header) === 'skip') return applied(sequences)
    const entity = this.#entities.get(header.entity)
    if (entity === undefined) throw new Error(`The decision let an unknown entity pass: ${header.entity}`)
    const again = this.#underWay.get(pageName(header))
    if (again !== undefined) return void again.sequences.push(...sequences)
    const columns = this.#options.shapes.columnsOf(entity, header.shape)
    await this.#admit(payload.length)
    const isClosed = known.phase === 'indexing' || known.phase === 'following'
    const taken = { entity, header, bytes: payload.length, sequences: [...sequences], isClosed }
    this.#underWay.set(pageName(header), taken)
    this.#batch.push({ taken, columns, payload })
    this.#batchBytes += payload.length
    if (this.#batchBytes >= BATCH_BYTES || this.#batch.length >= BATCH_PAGES) await this.#flush()
  }

  /** Returns when everything taken is loaded. */
  async drain(): Promise<void> {
    const { loaders } = this.#options
    await this.#flush()
    await loaders.drain()
    for (const client of this.#transactions.keys()) loaders.runIfFree(client, async () => await this.#commit(client))
    await loaders.drain()
  }

  /** Gives back what was taken and will not be loaded by this run: others share the window. */
  abandon(): void {
    this.#isAbandoned = true
    this.#release(this.#takeBatch())
    for (const { timer } of this.#transactions.values()) clearTimeout(timer)
    this.#transactions.clear()
  }

  async #admit(bytes: number): Promise<void> {
    const { signal, window } = this.#options
    if (window.tryAcquire(bytes)) return
    // What this service holds back itself must go first: waiting for it would be waiting for ever.
    await this.#flush()
    const admitted = window.acquire(bytes)
    try {
      await untilAborted(signal, admitted)
    } catch (error) {
      void admitted.then(() => window.release(bytes))
      throw error
    }
    if (!this.#isAbandoned) return
    // One that waited beside what has failed: nobody would give back what it takes.
    window.release(bytes)
    throw new Error('The loading was given up meanwhile')
  }

  async #flush(): Promise<void> {
    const held = new Set(this.#takeBatch())
    if (held.size === 0) return
    try {
      await this.#passOverEntered(held)
      for (const group of groupByCopy([...held])) {
        await this.#handOver(group)
        for (const page of group) held.delete(page)
      }
    } catch (error) {
      this.#release(held)
      throw error
    }
  }

  /** The ledger's pages are applied already; a page behind the manifest must be one of them. */
  async #passOverEntered(batch: Set<PendingPage>): Promise<void> {
    const pages = [...batch]
    const entered = await findInLedger(
      this.#options.leader,
      pages.map(({ taken }) => taken),
    )
    for (const page of pages) {
      if (!entered.has(pageName(page.taken.header))) continue
      batch.delete(page)
      this.#release([page])
      this.#applied(page.taken)
    }
    const late = [...batch].find(({ taken }) => taken.isClosed)?.taken
    if (late === undefined) return
    throw new Failure(
      4,
      `The log has page ${placeOf(late)} of ${late.entity.name} behind the manifest that does not count it: begin a new epoch with publish --new-epoch.`,
    )
  }

  /** To a loader whose COPY takes them, else to one that has nothing open, else to any. */
  async #handOver(group: readonly PendingPage[]): Promise<void> {
    const key = group[0] && copyKey(group[0].taken)
    const rank = (client: pg.Client): number => {
      const transaction = this.#transactions.get(client)
      if (transaction === undefined) return 1
      return transaction.open.copyKey === key ? 2 : 0
    }
    const queue = [...group]
    await this.#options.loaders.run(async (client) => await this.#copy(client, queue), rank)
  }

  /** Each page is let go when it is written out, so that an open transaction holds no rows. */
  async #copy(client: pg.Client, queue: PendingPage[]): Promise<void> {
    try {
      const open = this.#transactions.get(client)?.open ?? (await this.#begin(client))
      for (let page = queue[0]; page !== undefined; page = queue[0]) {
        await open.copy(page)
        queue.shift()
        this.#release([page])
      }
      if (isDue(open.size, this.#options.transactionBytes)) await this.#commit(client)
    } finally {
      this.#release(queue)
    }
  }

  async #begin(client: pg.Client): Promise<LoadingTransaction> {
    const open = await LoadingTransaction.begin(client)
    const timer = setTimeout(() => {
      open.isOverdue = true
      this.#options.loaders.runIfFree(client, async () => await this.#commit(client))
    }, TRANSACTION_MS).unref()
    this.#transactions.set(client, { open, timer })
    return open
  }

  async #commit(client: pg.Client): Promise<void> {
    const transaction = this.#transactions.get(client)
    if (transaction === undefined) return
    clearTimeout(transaction.timer)
    this.#transactions.delete(client)
    const loaded = await transaction.open.commit()
    const { report, service } = this.#options
    for (const { entity, ...totals } of totalsByEntity(loaded))
      report({ type: 'pages-loaded', service: service.name, entity: entity.name, ...totals })
    for (const taken of loaded) this.#applied(taken)
  }

  #applied(taken: TakenPage): void {
    this.#underWay.delete(pageName(taken.header))
    this.#options.applied(taken.sequences)
  }

  #takeBatch(): PendingPage[] {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    return batch
  }

  #release(pages: Iterable<PendingPage>): void {
    for (const { taken } of pages) this.#options.window.release(taken.bytes)
  }
}
