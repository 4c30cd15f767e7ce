import type { Lsn } from '../../contracts/positions.ts'
import { Acker } from '../../publisher/following/acker.ts'
import { positionOf, type StoredPosition } from '../../publisher/following/last-position.ts'
import { ServiceChanges } from '../../publisher/following/service-changes.ts'
import { type ServiceSink, TransactionSplitter } from '../../publisher/following/transaction-splitter.ts'
import { WideXids } from '../../publisher/following/wide-xid.ts'
import { ROUTES, SET, type SimulatedTransaction } from './simulated-monolith.ts'
import type { SimulatedStream } from './simulated-broker.ts'

export const EPOCH = 1
const PREFIX = 'simulated'
/** So small that transactions span messages, and messages transactions. */
const MESSAGE_BYTES = 500

export type Streams = ReadonlyMap<string, SimulatedStream>

/** One life of a publisher: its own splitter, senders and acker, over a monolith, a slot and streams that are simulated. */
export class SimulatedPublisher {
  readonly #acker: Acker
  readonly #splitter: TransactionSplitter
  readonly #sinks: ReadonlyMap<string, ServiceSink>
  /** What the slot sends: the transactions whose commits begin where it is confirmed, or later. */
  readonly #sent: IterableIterator<SimulatedTransaction['messages'][number]>

  constructor(
    streams: Streams,
    transactions: readonly SimulatedTransaction[],
    { confirmed, life, syncMs }: { readonly confirmed: Lsn; readonly life: number; readonly syncMs: number },
  ) {
    this.#acker = new Acker(syncMs, confirmed)
    this.#sinks = new Map(
      SET.services.map(({ name }): [string, ServiceSink] => {
        const stream = streams.get(name)
        if (stream === undefined) throw new Error(`No stream of ${name}`)
        return [name, { stored: storedPosition(stream), changes: this.#changesOf(name, stream, life) }]
      }),
    )
    this.#splitter = new TransactionSplitter({
      prefix: PREFIX,
      services: this.#sinks,
      acker: this.#acker,
      xids: new WideXids(1_000n),
      routeOf: (oid) => ROUTES.get(oid) ?? null,
      learn: async () => await Promise.resolve(),
      isVisible: () => false,
      marked: async () => await Promise.resolve(),
    })
    this.#sent = transactions
      .filter(({ commitLsn }) => commitLsn >= confirmed)
      .flatMap(({ messages }) => messages)
      .values()
  }

  /** Takes the next message of the replication stream. @returns whether there was one. */
  async receive(): Promise<boolean> {
    const { done, value } = this.#sent.next()
    if (done !== true) await this.#splitter.take(value)
    return done !== true
  }

  async flush(): Promise<void> {
    for (const { changes } of this.#sinks.values()) await changes.flush()
  }

  confirmable(now: number): Lsn {
    return this.#acker.confirmable(now)
  }

  #changesOf(service: string, stream: SimulatedStream, life: number): ServiceChanges {
    return new ServiceChanges({
      prefix: PREFIX,
      service,
      epoch: EPOCH,
      writer: stream.writerFor(`life ${life}`),
      acker: this.#acker,
      messageBytes: MESSAGE_BYTES,
      stored: () => undefined,
      failed: (error) => {
        throw error
      },
    })
  }
}

function storedPosition({ messages }: SimulatedStream): StoredPosition {
  const last = messages.at(-1)
  return last === undefined
    ? { commitLsn: 0n as Lsn, changes: 0, sequence: 0 }
    : positionOf({ data: last.payload, seq: messages.length }, EPOCH)
}
