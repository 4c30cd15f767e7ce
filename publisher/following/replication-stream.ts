import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Connection } from 'pg'
import { LogicalReplicationService } from 'pg-logical-replication'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import { clientConfiguration, pinLaterSettings, type PostgresTarget } from '../../infra/postgres/session.ts'
import { decodePgoutput, type PgoutputMessage } from './pgoutput.ts'

/** By it the session of a publisher that follows is found in the server. */
export const FOLLOW_SESSION = 'publish follow'

export interface ReplicationOptions {
  readonly monolith: PostgresTarget
  readonly slot: string
  readonly publication: string
  /** How often the server is told what is confirmed; well below its `wal_sender_timeout`, in which it must hear of us. */
  readonly statusMs: number
  /** Takes one message after the other; the next one waits for what it returns. */
  readonly take: (message: PgoutputMessage) => Promise<void> | null
  /** The server has nothing before this position that was not handed over. */
  readonly received: (lsn: Lsn) => void
  /** What the slot may be confirmed to now. */
  readonly confirmable: () => Lsn
  /** Is told before the slot is confirmed further, and waited for: the guard is written outside the broker. */
  readonly confirming: () => Promise<void>
  readonly signal: AbortSignal
}

const LEAVE_LIMIT_MS = 1_000

/** What the driver has, and its types do not. */
type Sink = Connection & { sendCopyFromChunk(chunk: Buffer): void }

/**
 * The transport's plugin: it hands the bytes on as they came. What throws in it would end the process, so nothing is
 * decoded here.
 */
class RawPgoutput {
  readonly name = 'pgoutput'
  readonly options: { readonly publication: string }
  /** Messages that came in, whether they were taken or not. */
  arrived = 0
  client: Client | null = null

  constructor(publication: string) {
    this.options = { publication }
  }

  async start(client: Client, slot: string, from: string): Promise<unknown> {
    this.client = client
    await pinLaterSettings(client)
    const publication = quoteLiteral(quoteIdentifier(this.options.publication))
    return await client.query(
      `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${from} (proto_version '1', publication_names ${publication}, messages 'true')`,
    )
  }

  parse(bytes: Buffer): Buffer {
    this.arrived += 1
    return bytes
  }
}

/**
 * Receives the monolith's changes until the signal is aborted, or something fails. The library carries the bytes; what it
 * would confirm by itself it does not: it would confirm what it received, and one byte more. It begins where the slot is
 * confirmed, and never where an earlier subscription had come to.
 * Manual: "Streaming Replication Protocol".
 * @throws what `take` threw, or the server's or the connection's error.
 */
export async function receiveChanges(options: ReplicationOptions): Promise<void> {
  const { monolith, publication, signal, slot } = options
  const plugin = new RawPgoutput(publication)
  const service = new LogicalReplicationService(clientConfiguration(monolith, FOLLOW_SESSION), {
    acknowledge: { auto: false, timeoutSeconds: 0 },
    // Its own waits for each message, however fast that is taken, which costs more than all else that is done to a row.
    flowControl: { enabled: false },
  })
  const receiving = new Receiving(options, plugin)
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = (error: unknown): void => {
      receiving.stop()
      reject(error instanceof Error ? error : new Error(String(error)))
    }
    // The library goes on after a failure: whatever comes after the first one is not taken.
    service.on('error', fail)
    service.on('data', (_lsn, bytes: Buffer) => receiving.arrived(bytes, fail))
    service.on('heartbeat', (lsn, _time, wantsAnswer) => {
      receiving.alive(parseLsn(lsn))
      if (wantsAnswer) receiving.tell().catch(fail)
    })
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
    service
      .subscribe(plugin, slot, '0/0')
      .then(() => fail(new Error('Connection terminated: the server has ended the replication')), fail)
  })
  const timer = setInterval(() => void receiving.tell().catch(fail), options.statusMs)
  try {
    signal.throwIfAborted()
    await failed
  } finally {
    clearInterval(timer)
    await receiving.takeLeave()
    // A link that is cut would be taken leave of for ever.
    plugin.client?.connection.stream.destroy()
    await service.destroy().catch(() => undefined)
  }
}

class Receiving {
  readonly #options: ReplicationOptions
  readonly #plugin: RawPgoutput
  #taken = 0
  #isStopped = false
  /** Whether a message is waited for; those that come meanwhile are queued. */
  #isWaiting = false
  readonly #queue: Buffer[] = []
  /** 0 confirms nothing: the server keeps what it was told before. */
  #told = 0n as Lsn
  /** A keepalive overtakes the messages that wait before it: it counts when those are taken. */
  #alive: { readonly lsn: Lsn; readonly after: number } | null = null

  constructor(options: ReplicationOptions, plugin: RawPgoutput) {
    this.#options = options
    this.#plugin = plugin
  }

  /** Takes a message at once where none before it has to be waited for: most rows need no promise. */
  arrived(bytes: Buffer, fail: (error: unknown) => void): void {
    if (this.#isStopped) return
    if (this.#isWaiting) return void this.#queue.push(bytes)
    try {
      const wait = this.#take(bytes)
      if (wait !== null) this.#takeQueue(wait).catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  #take(bytes: Buffer): Promise<void> | null {
    const wait = this.#options.take(decodePgoutput(bytes))
    if (wait === null) this.#tookOne()
    return wait
  }

  /** Meanwhile no more is read than what has come already: of the socket, one chunk. */
  async #takeQueue(first: Promise<void>): Promise<void> {
    const stream = this.#plugin.client?.connection.stream
    this.#isWaiting = true
    stream?.pause()
    await first
    this.#tookOne()
    for (let bytes = this.#queue.shift(); bytes !== undefined && !this.#isStopped; bytes = this.#queue.shift()) {
      const wait = this.#take(bytes)
      if (wait === null) continue
      await wait
      this.#tookOne()
    }
    this.#isWaiting = false
    stream?.resume()
  }

  #tookOne(): void {
    this.#taken += 1
    this.#settle()
  }

  alive(lsn: Lsn): void {
    this.#alive = { lsn, after: this.#plugin.arrived }
    this.#settle()
  }

  /** Tells the server what is confirmed, which is also the sign of life that it waits for. */
  async tell(): Promise<void> {
    const { arrived, client } = this.#plugin
    // Before the first word of the server's it does not take any of ours.
    if (client === null || (arrived === 0 && this.#alive === null)) return
    const sink = client.connection as Sink // See the type.
    if (!sink.stream.writable) return
    const confirmed = this.#options.confirmable()
    // A server that waits for a sign of life gets the old position meanwhile.
    if (confirmed > this.#told) {
      sink.sendCopyFromChunk(standbyStatus(this.#told, Date.now()))
      await this.#options.confirming()
    }
    if (!sink.stream.writable) return
    sink.sendCopyFromChunk(standbyStatus(confirmed, Date.now()))
    if (confirmed > this.#told) crashPoint('publish-slot-confirmed')
    this.#told = confirmed
  }

  /** Nothing more is taken. */
  stop(): void {
    this.#isStopped = true
  }

  /** The server learns what is confirmed by now, if it can be told in a moment. */
  async takeLeave(): Promise<void> {
    this.stop()
    await this.tell().catch(() => undefined)
    const stream = this.#plugin.client?.connection.stream
    if (stream?.writable !== true) return
    await Promise.race([
      new Promise<void>((resolve) => stream.write('', () => resolve())),
      delay(LEAVE_LIMIT_MS, undefined, { ref: false }),
    ])
  }

  #settle(): void {
    if (this.#alive === null || this.#alive.after > this.#taken) return
    this.#options.received(this.#alive.lsn)
  }
}

/** 2000-01-01 in milliseconds since 1970-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000

/** Manual: "Standby status update". What was written, synced and applied is one and the same here. */
export function standbyStatus(confirmed: Lsn, nowMs: number): Buffer {
  const status = Buffer.alloc(34)
  status.write('r', 0, 'latin1')
  for (const place of [1, 9, 17]) status.writeBigUInt64BE(confirmed, place)
  status.writeBigInt64BE(BigInt(nowMs - POSTGRES_EPOCH_MS) * 1000n, 25)
  // It answers how far it has decoded: where nothing is sent, only this tells that nothing is missing.
  status.writeUInt8(1, 33)
  return status
}
