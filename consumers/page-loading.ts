import { Failure } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import type { ContractControl, Shape } from '../contracts/wire/message.ts'
import { messageKind } from '../contracts/wire/message-kind.ts'
import { readPageHeader } from '../contracts/wire/page-header.ts'
import { PartAssembler } from '../contracts/wire/parts.ts'
import { shapeHash, shapeOf } from '../contracts/wire/shape.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import type { LogMessage } from '../infra/nats/read-log.ts'
import { decidePage, type Known } from './decide-message.ts'
import type { ConsumerEvent } from './events.ts'
import { loadPages, type PendingPage } from './load-pages.ts'
import type { LoaderPool } from './loader-pool.ts'
import type { Watermark } from './watermark.ts'

export interface PageLoadingOptions {
  readonly service: Service
  readonly loaders: LoaderPool
  /** Bounds the pages in memory, over all services of a process. */
  readonly window: ByteWindow
  readonly watermark: Watermark
  readonly report: (event: ConsumerEvent) => void
}

/** A transaction of this size hides the price of its commit; what a crash repeats is one of them a loader. */
const BATCH_BYTES = 4 * 1024 * 1024

/** Collects pages into batches and hands them to the loaders. */
export class PageLoading {
  readonly watermark: Watermark
  readonly #options: PageLoadingOptions
  readonly #entities: ReadonlyMap<string, Entity>
  readonly #shapes = new Map<string, Shape>()
  readonly #parts = new PartAssembler()
  readonly #partSequences = new Map<string, number[]>()
  #batch: PendingPage[] = []
  #batchBytes = 0

  constructor(options: PageLoadingOptions) {
    this.#options = options
    this.watermark = options.watermark
    this.#entities = new Map(options.service.entities.map((entity) => [entity.name, entity]))
    for (const entity of options.service.entities) this.#shapes.set(shapeHash(shapeOf(entity)), shapeOf(entity))
  }

  /** Pages are read by the shape that the log itself gives them. */
  learnShape({ hash, shape }: ContractControl): void {
    this.#shapes.set(hash, shape)
  }

  /** Takes a message if it is a page or a part of one; any other is the caller's. */
  async take(known: Known, { sequence, payload }: LogMessage): Promise<'taken' | 'not a page'> {
    const kind = messageKind(payload)
    if (kind === 'page') await this.#takePage(known, payload, [sequence])
    else if (kind === 'part') await this.#takePart(known, payload, sequence)
    else return 'not a page'
    return 'taken'
  }

  /** Returns when everything taken is loaded. */
  async drain(): Promise<void> {
    await this.#flush()
    await this.#options.loaders.drain()
  }

  async #takePart(known: Known, payload: Uint8Array, sequence: number): Promise<void> {
    const part = decodeMessage(payload)
    if (part.kind !== 'part') throw new Error('The message was a part a moment ago')
    const sequences = [...(this.#partSequences.get(part.id) ?? []), sequence]
    this.#partSequences.set(part.id, sequences)
    const whole = this.#parts.accept(sequence, part)
    if (whole === null) return
    this.#partSequences.delete(part.id)
    await this.#takePage(known, whole, sequences)
  }

  async #takePage(known: Known, payload: Uint8Array, sequences: readonly number[]): Promise<void> {
    const header = readPageHeader(payload)
    if (decidePage(known, header) === 'skip') return this.#applied(sequences)
    const entity = this.#entities.get(header.entity)
    if (entity === undefined) throw new Error(`The decision let an unknown entity pass: ${header.entity}`)
    const page: PendingPage = { entity, shape: this.#shapeOf(entity, header.shape), header, payload, sequences }
    if (!this.#options.window.tryAcquire(payload.length)) {
      // What this service holds back itself must go first: waiting for it would be waiting for ever.
      await this.#flush()
      await this.#options.window.acquire(payload.length)
    }
    this.#batch.push(page)
    this.#batchBytes += payload.length
    if (this.#batchBytes >= BATCH_BYTES) await this.#flush()
  }

  #shapeOf(entity: Entity, hash: string): Shape {
    const shape = this.#shapes.get(hash)
    const service = this.#options.service.name
    if (shape === undefined)
      throw new Failure(
        4,
        `Service ${service}: the log does not describe the shape ${hash} of its ${entity.name}: the log is not whole; begin a new epoch with publish --new-epoch.`,
      )
    const strange = shape.columns.find(({ name }) => !entity.columns.some((column) => column.name === name))
    if (strange === undefined) return shape
    throw new Failure(
      4,
      `Service ${service}: the log's ${entity.name} has a column ${strange.name}, which the contract does not have: use the contract set that the log was published with.`,
    )
  }

  async #flush(): Promise<void> {
    if (this.#batch.length === 0) return
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    await this.#options.loaders.run(async (client) => {
      const loaded = await loadPages(client, batch)
      for (const { entity, pages, rows, bytes } of loaded)
        this.#options.report({
          type: 'pages-loaded',
          service: this.#options.service.name,
          entity: entity.name,
          pages,
          rows,
          bytes,
        })
      for (const { payload, sequences } of batch) {
        this.#options.window.release(payload.length)
        this.#applied(sequences)
      }
    })
  }

  #applied(sequences: readonly number[]): void {
    for (const sequence of sequences) this.watermark.applied(sequence)
  }
}
