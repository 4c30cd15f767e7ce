import { MARKER_PREFIX, markerName } from '../../contracts/marker.ts'
import type { Lsn } from '../../contracts/positions.ts'
import type { Acker } from './acker.ts'
import { ChangeEncoder } from './encode-change.ts'
import type { StoredPosition } from './last-position.ts'
import type { PgoutputMessage } from './pgoutput.ts'
import type { Route } from './routes.ts'
import type { ServiceChanges, SourceTransaction } from './service-changes.ts'
import type { WideXids } from './wide-xid.ts'

/** A service as changes are split for it. */
export interface ServiceSink {
  readonly changes: ServiceChanges
  /** What its stream holds since an earlier run. */
  readonly stored: StoredPosition
}

export interface SplitterOptions {
  readonly prefix: string
  readonly services: ReadonlyMap<string, ServiceSink>
  readonly acker: Acker
  readonly xids: WideXids
  readonly routeOf: (oid: number) => Route | null
  /** Is told of a table's description, before its first change and after each ALTER. */
  readonly learn: (relation: Extract<PgoutputMessage, { type: 'relation' }>) => Promise<void>
  /** Whether an entity's rows are in its snapshot as this transaction left them. */
  readonly isVisible: (route: Route, xid: bigint) => boolean
  /** Is told of a transaction's markers when all of it is on its way. */
  readonly marked: (name: string, lsn: Lsn) => Promise<void>
}

type RowChange = Extract<PgoutputMessage, { type: 'insert' | 'update' | 'delete' }>
type Truncate = Extract<PgoutputMessage, { type: 'truncate' }>

interface Open extends SourceTransaction {
  /** How many changes each service has had. */
  readonly ordinals: Map<string, number>
  readonly markers: string[]
}

/** Splits the monolith's transactions by service, in their order, whatever their size. */
export class TransactionSplitter {
  readonly #options: SplitterOptions
  readonly #encoder = new ChangeEncoder()
  #open: Open | null = null

  constructor(options: SplitterOptions) {
    this.#options = options
  }

  /** @returns what the next message has to wait for; null where it need not wait, as behind most rows. */
  take(message: PgoutputMessage): Promise<void> | null {
    switch (message.type) {
      case 'begin':
        this.#begin(message)
        return null
      case 'relation':
        return this.#options.learn(message)
      case 'insert':
      case 'update':
      case 'delete':
        return this.#row(message)
      case 'truncate':
        return this.#truncateAll(message)
      case 'message':
        this.#note(message)
        return null
      case 'commit':
        return this.#commit(message.endLsn)
      case 'other':
        return null
    }
  }

  #begin({ commitLsn, committedAt, xid }: Extract<PgoutputMessage, { type: 'begin' }>): void {
    const { acker, xids } = this.#options
    const of = { commitLsn, committedAt, xid: xids.widen(xid), ticket: acker.begin(committedAt) }
    this.#open = { ...of, ordinals: new Map(), markers: [] }
  }

  #row(change: RowChange): Promise<void> | null {
    const route = this.#options.routeOf(change.oid)
    return route === null ? null : this.#add(route, change)
  }

  async #truncateAll(change: Truncate): Promise<void> {
    for (const oid of change.oids) {
      const route = this.#options.routeOf(oid)
      if (route !== null) await this.#add(route, change)
    }
  }

  #add(route: Route, change: RowChange | Truncate): Promise<void> | null {
    const open = this.#opened()
    const service = route.service.name
    const sink = this.#options.services.get(service)
    if (sink === undefined) throw new Error(`No stream for service ${service}`)
    const ordinal = open.ordinals.get(service) ?? 0
    // Of a form that the table had before a snapshot that shows it anyway nothing was sent, nor is.
    const isNeeded = route.fault === null || !this.#options.isVisible(route, open.xid)
    if (isNeeded) open.ordinals.set(service, ordinal + 1)
    if (isStored(sink, open.commitLsn, ordinal)) {
      this.#found(open, service, sink)
      return null
    }
    if (!isNeeded) return null
    if (route.fault !== null) throw route.fault
    const { entity, shape } = route
    const bytes =
      change.type === 'truncate' ? this.#encoder.truncate(ordinal, change) : this.#encoder.row(route, ordinal, change)
    return sink.changes.add(open, { entity: entity.name, shape, ordinal, bytes })
  }

  #note({ content, prefix }: Extract<PgoutputMessage, { type: 'message' }>): void {
    const name = prefix === MARKER_PREFIX ? markerName(this.#options.prefix, content) : null
    if (name !== null) this.#open?.markers.push(name)
  }

  async #commit(end: Lsn): Promise<void> {
    const { acker, marked, services } = this.#options
    const open = this.#opened()
    this.#open = null
    for (const [service, count] of open.ordinals) {
      const sink = services.get(service)
      if (sink !== undefined && !isStored(sink, open.commitLsn, count - 1)) await sink.changes.end(open)
    }
    for (const name of open.markers)
      for (const [service, sink] of services)
        if (sink.stored.commitLsn < open.commitLsn) await sink.changes.mark(open, name)
        else this.#found(open, service, sink)
    acker.committed(open.ticket, end)
    for (const name of open.markers) await marked(name, open.commitLsn)
  }

  /** It is guarded like what this run stores. */
  #found({ ticket }: Open, service: string, { stored: { sequence } }: ServiceSink): void {
    this.#options.acker.found(ticket, Date.now(), { service, sequence })
  }

  #opened(): Open {
    if (this.#open === null) throw new Error('The server sent a change outside of a transaction')
    return this.#open
  }
}

/** Whether the stream has this change since an earlier run. */
function isStored({ stored }: ServiceSink, commitLsn: Lsn, ordinal: number): boolean {
  return commitLsn < stored.commitLsn || (commitLsn === stored.commitLsn && ordinal < stored.changes)
}
