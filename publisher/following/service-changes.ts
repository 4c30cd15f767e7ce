import { type Lsn, lsnText } from '../../contracts/positions.ts'
import { changeSubject, controlSubject, severalChangesSubject } from '../../contracts/subjects.ts'
import { encodeRuns, type EncodedRun } from '../../contracts/wire/change-run.ts'
import { encodeControl } from '../../contracts/wire/encode-message.ts'
import { WIRE_VERSION } from '../../contracts/wire/message.ts'
import { crashPoint } from '../../infra/crash-point.ts'
import type { LogWriter } from '../log-writer.ts'
import type { Acker, Ticket } from './acker.ts'

/** A transaction of the monolith, as far as its place goes. */
export interface SourceTransaction {
  readonly commitLsn: Lsn
  /** Microseconds since 1970-01-01 UTC. */
  readonly committedAt: number
  /** 64 bits wide. */
  readonly xid: bigint
  readonly ticket: Ticket
}

export interface ServiceChangesOptions {
  readonly prefix: string
  readonly service: string
  readonly epoch: number
  readonly writer: LogWriter
  readonly acker: Acker
  /** A message is sent when it has so many bytes, whatever else. */
  readonly messageBytes: number
  /** Is told of changes that are stored, and of the last transaction among them. */
  readonly stored: (changes: number) => void
  readonly failed: (error: unknown) => void
}

/** What a message's frame and a run's take, roughly: what is sent is measured by its changes. */
const RUN_BYTES = 160

const FIRST_BYTES = 4 * 1024

export interface EncodedChange {
  readonly entity: string
  readonly shape: string
  /** Counted from 0 in the service's part of the transaction. */
  readonly ordinal: number
  /** They are copied before anything else is awaited than what `add` returns. */
  readonly bytes: Uint8Array
}

interface OpenRun extends Omit<EncodedRun, 'last' | 'count' | 'changes'> {
  readonly transaction: SourceTransaction
  readonly firstOrdinal: number
  last: boolean
  count: number
  /** Where its changes are in the gathered bytes. */
  readonly from: number
  to: number
}

/**
 * Gathers one service's changes into messages. While a message is on its way further transactions gather into the next
 * one, so that each is as large as the broker's fsync makes it worth. The newest change of an open transaction always
 * waits: only its commit tells whether it is the last, and the mark needs a change to stand at.
 */
export class ServiceChanges {
  readonly #options: ServiceChangesOptions
  #runs: OpenRun[] = []
  /** The changes of the runs, one behind the other, in memory that is used for message after message. */
  #gathered: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  /** Those of the gathered changes: what waits here is no more stored than what is under way. */
  #tickets = new Set<Ticket>()
  #bytes = 0
  #underWay = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(options: ServiceChangesOptions) {
    this.#options = options
  }

  /** Takes a change. @returns what to wait for where messages are sent faster than the broker stores them. */
  add(transaction: SourceTransaction, change: EncodedChange): Promise<void> | null {
    const isFull = this.#bytes > 0 && this.#bytes + change.bytes.length > this.#options.messageBytes
    if (isFull) return this.#send().then(() => this.#gather(transaction, change))
    this.#gather(transaction, change)
    return null
  }

  #gather(transaction: SourceTransaction, { entity, shape, ordinal, bytes }: EncodedChange): void {
    const before = this.#runs.at(-1)
    const isSame = before?.transaction === transaction && before.entity === entity && before.shape === shape
    const run = isSame ? before : newRun(transaction, entity, shape, ordinal, before?.to ?? 0)
    if (!isSame) this.#runs.push(run)
    this.#room(run.to + bytes.length).set(bytes, run.to)
    run.to += bytes.length
    run.count += 1
    this.#bytes += bytes.length + (isSame ? 0 : RUN_BYTES)
    const { ticket } = transaction
    if (!this.#tickets.has(ticket)) this.#options.acker.sent(ticket)
    this.#tickets.add(ticket)
  }

  #room(byteLength: number): Buffer {
    if (byteLength > this.#gathered.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#gathered.length * 2, byteLength))
      this.#gathered.copy(larger)
      this.#gathered = larger
    }
    return this.#gathered
  }

  /** The transaction has no more changes in this service. */
  async end(transaction: SourceTransaction): Promise<void> {
    const open = this.#runs.at(-1)
    if (open?.transaction !== transaction) throw new Error('The last change of a transaction was sent before its end')
    open.last = true
    if (this.#underWay === 0) await this.#send()
  }

  /** A named point behind all that was gathered. */
  async mark({ commitLsn, ticket }: SourceTransaction, name: string): Promise<void> {
    const { acker, epoch, prefix, service, writer } = this.#options
    if (this.#runs.length > 0) await this.#send()
    const marker = {
      v: WIRE_VERSION,
      kind: 'control',
      epoch,
      control: 'marker',
      name,
      lsn: lsnText(commitLsn),
    } as const
    acker.sent(ticket)
    await this.#append(async () => {
      const subject = controlSubject(prefix, service, 'marker')
      await writer.append(subject, encodeControl(marker), `${epoch}/marker/${lsnText(commitLsn)}`, (sequence) =>
        acker.stored(ticket, Date.now(), { service, sequence }),
      )
    })
  }

  /** Sends what is gathered and complete; returns when it is under way. */
  async flush(): Promise<void> {
    if (this.#runs.at(-1)?.last === true) await this.#send()
    await this.#sending
  }

  async #send(): Promise<void> {
    const [runs, tickets] = [this.#runs, this.#tickets]
    const { acker, epoch, service, stored, writer } = this.#options
    this.#runs = []
    this.#tickets = new Set()
    this.#bytes = 0
    this.#underWay += 1
    const changes = runs.reduce((sum, { count }) => sum + count, 0)
    const payload = encodeRuns(
      epoch,
      runs.map((run) => ({ ...run, changes: [this.#gathered.subarray(run.from, run.to)] })),
    )
    // A row may have been larger than any message.
    if (this.#gathered.length > this.#options.messageBytes * 2) this.#gathered = Buffer.allocUnsafeSlow(FIRST_BYTES)
    await this.#append(async () => {
      await writer.append(this.#subject(runs), payload, identityOf(epoch, runs), (sequence) => {
        for (const ticket of tickets) acker.stored(ticket, Date.now(), { service, sequence })
        stored(changes)
        crashPoint('publish-changes-stored')
        this.#arrived()
      })
    })
  }

  /** What has gathered meanwhile goes next. Nobody waits for it here, so a failure is told. */
  #arrived(): void {
    this.#underWay -= 1
    if (this.#underWay === 0 && this.#runs.at(-1)?.last === true) this.#send().catch(this.#options.failed)
  }

  async #append(append: () => Promise<void>): Promise<void> {
    this.#sending = this.#sending.then(append)
    await this.#sending
  }

  #subject(runs: readonly OpenRun[]): string {
    const { prefix, service } = this.#options
    const [first] = runs
    if (first === undefined) throw new Error('A change message has at least one run')
    return runs.every(({ entity }) => entity === first.entity)
      ? changeSubject(prefix, service, first.entity)
      : severalChangesSubject(prefix, service)
  }
}

function newRun(
  transaction: SourceTransaction,
  entity: string,
  shape: string,
  firstOrdinal: number,
  from: number,
): OpenRun {
  const { commitLsn, committedAt, xid } = transaction
  const place = { lsn: lsnText(commitLsn), xid: String(xid), committedAt }
  return { transaction, entity, shape, ...place, firstOrdinal, last: false, count: 0, from, to: from }
}

/** By the first change: a message that travels in parts has that one alone, so that its parts tell what they belong to. */
function identityOf(epoch: number, runs: readonly OpenRun[]): string {
  const [first] = runs
  return `${epoch}/change/${first?.lsn}/${first?.firstOrdinal}/${runs.at(-1)?.last === true ? 'last' : 'more'}`
}
