import type { ConsumerEvent } from '../../consumers/events.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import { counted } from './quantities.ts'

/** What was loaded into one service, and when it was complete. */
export interface LoadedService {
  readonly service: string
  /** The bytes of its pages. */
  readonly bytes: number
  /** From the beginning of the publication. */
  readonly seconds: number
}

/** Sees from the events of a publication and its consumers how far they are. */
export class ServicesWatch {
  readonly #startedAt = Date.now()
  readonly #bytes = new Map<string, number>()
  readonly #loaded: LoadedService[] = []
  readonly #services: number
  readonly #done = new AbortController()
  #complete: () => void = () => undefined
  #published = { rows: 0, pages: 0, at: Date.now() }
  appliedChanges = 0
  /** Resolves when all services have their snapshot, and follow. */
  readonly complete = new Promise<void>((resolve) => (this.#complete = resolve))

  constructor(services: number) {
    this.#services = services
  }

  /** Tells the consumers that follow to end. */
  get done(): AbortSignal {
    return this.#done.signal
  }

  end(): void {
    this.#done.abort()
  }

  published(event: PublisherEvent): void {
    if (event.type === 'page-stored') {
      const { pages, rows } = this.#published
      this.#published = { rows: rows + event.rows, pages: pages + 1, at: Date.now() }
    }
  }

  consumed(event: ConsumerEvent): void {
    if (event.type === 'pages-loaded')
      this.#bytes.set(event.service, (this.#bytes.get(event.service) ?? 0) + event.bytes)
    if (event.type === 'changes-applied') this.appliedChanges += event.changes
    if (event.type !== 'phase-entered' || event.phase !== 'following') return
    const { service } = event
    if (this.#loaded.some((loaded) => loaded.service === service)) return
    this.#loaded.push({ service, bytes: this.#bytes.get(service) ?? 0, seconds: secondsSince(this.#startedAt) })
    if (this.#loaded.length === this.#services) this.#complete()
  }

  loaded(): readonly LoadedService[] {
    return this.#loaded
  }

  get consumeSeconds(): number {
    return Math.max(0, ...this.#loaded.map(({ seconds }) => seconds))
  }

  get publishSeconds(): number {
    return (this.#published.at - this.#startedAt) / 1000
  }

  publishedText(): string {
    return `${counted(this.#published.rows, 'row')} in ${counted(this.#published.pages, 'page')}, while the monolith is written`
  }
}

function secondsSince(startedAt: number): number {
  return (Date.now() - startedAt) / 1000
}
