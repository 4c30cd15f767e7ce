import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { readPageHeader } from '../contracts/wire/page-header.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { untilAborted } from '../infra/nats/outage.ts'
import type { WholeMessage } from './collect-parts.ts'
import { decidePage, type Known } from './decide-message.ts'
import type { ConsumerEvent } from './events.ts'
import { loadPages, type PendingPage } from './load-pages.ts'
import type { LoaderPool } from './loader-pool.ts'
import type { KnownShapes } from './shapes.ts'

export interface PageLoadingOptions {
  readonly service: Service
  readonly loaders: LoaderPool
  readonly shapes: KnownShapes
  /** Bounds the pages in memory, over all services of a process. */
  readonly window: ByteWindow
  /** Ends a wait for the window, whose other users may be in no hurry. */
  readonly signal: AbortSignal
  readonly report: (event: ConsumerEvent) => void
  /** Told of stream sequences whose messages are applied, also of those that need not be. */
  readonly applied: (sequences: readonly number[]) => void
}

/** A transaction of this size hides the price of its commit; what a crash repeats is one of them a loader. */
const BATCH_BYTES = 4 * 1024 * 1024

/** Collects pages into batches and hands them to the loaders. */
export class PageLoading {
  readonly #options: PageLoadingOptions
  readonly #entities: ReadonlyMap<string, Entity>
  #batch: PendingPage[] = []
  #batchBytes = 0

  constructor(options: PageLoadingOptions) {
    this.#options = options
    this.#entities = new Map(options.service.entities.map((entity) => [entity.name, entity]))
  }

  /** Takes a page; it is loaded when `applied` is called, or when `drain` returns. */
  async take(known: Known, { payload, sequences }: WholeMessage): Promise<void> {
    const header = readPageHeader(payload)
    if (decidePage(known, header) === 'skip') return this.#options.applied(sequences)
    const entity = this.#entities.get(header.entity)
    if (entity === undefined) throw new Error(`The decision let an unknown entity pass: ${header.entity}`)
    const columns = this.#options.shapes.columnsOf(entity, header.shape)
    await this.#admit(payload.length)
    const isClosed = known.phase === 'indexing' || known.phase === 'following'
    this.#batch.push({ entity, columns, header, payload, sequences, isClosed })
    this.#batchBytes += payload.length
    if (this.#batchBytes >= BATCH_BYTES) await this.#flush()
  }

  /** Returns when everything taken is loaded. */
  async drain(): Promise<void> {
    await this.#flush()
    await this.#options.loaders.drain()
  }

  /** Gives back what was taken and will not be loaded by this run: others share the window. */
  abandon(): void {
    this.#release(this.#takeBatch())
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
  }

  async #flush(): Promise<void> {
    const batch = this.#takeBatch()
    if (batch.length === 0) return
    try {
      await this.#options.loaders.run(async (client) => {
        try {
          this.#reportLoaded(await loadPages(client, batch))
        } finally {
          this.#release(batch)
        }
        this.#options.applied(batch.flatMap(({ sequences }) => sequences))
      })
    } catch (error) {
      this.#release(batch)
      throw error
    }
  }

  #takeBatch(): PendingPage[] {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    return batch
  }

  #release(batch: readonly PendingPage[]): void {
    for (const { payload } of batch) this.#options.window.release(payload.length)
  }

  #reportLoaded(loaded: Awaited<ReturnType<typeof loadPages>>): void {
    const { report, service } = this.#options
    for (const { entity, ...totals } of loaded)
      report({ type: 'pages-loaded', service: service.name, entity: entity.name, ...totals })
  }
}
