import type { Lsn } from '../../contracts/positions.ts'

/** What is known of one transaction of the monolith on its way into the log. */
export interface Ticket {
  /** When it was committed, in microseconds since 1970-01-01 UTC of the monolith's clock. */
  readonly committedAt: number
  /** The end of its commit record; null while it is being received. */
  end: Lsn | null
  /** Messages that carry some of it and are not stored. */
  unstored: number
  /** When the last of them was stored, in milliseconds of the caller's clock; 0 where nothing of it is in the log. */
  storedAt: number
  /** Where its last message ends in each stream that has some of it. */
  readonly places: Map<string, number>
}

/** Where a message was stored. */
export interface StoredPlace {
  readonly service: string
  readonly sequence: number
}

/** Times are in microseconds, as those of tickets. */
export interface AckerProgress {
  /** The server has nothing before it that was not received. */
  readonly received: Lsn
  /** Of the last transaction that was received wholly; 0 before the first. */
  readonly receivedCommittedAt: number
  /** Of the first transaction that is not stored wholly; null where all are. */
  readonly unstoredCommittedAt: number | null
}

/** Transactions that were stored within so much of each other are kept as one. */
const TOGETHER_MS = 1_000

/**
 * Says how far the slot may be confirmed: to the end of the last transaction before the first of which anything is not
 * stored. A broker acknowledges before it syncs, so a message counts once it has been stored for as long as that may take.
 * With nothing pending, what the server has decoded counts, so that a monolith that writes other tables alone does not
 * keep WAL. Nothing here reads a clock or a socket.
 */
export class Acker {
  readonly #syncMs: number
  #queue: Ticket[] = []
  #confirmed: Lsn
  #received: Lsn
  #committedAt = 0
  /** How far each stream holds what is confirmable. */
  readonly places = new Map<string, number>()

  /**
   * @param syncMs how long an acknowledged message may be in the broker's memory alone; 0 where it syncs each.
   * @param from what is confirmed already.
   */
  constructor(syncMs: number, from: Lsn) {
    this.#syncMs = syncMs
    this.#confirmed = from
    this.#received = from
  }

  /** A transaction begins to come in; they come one after the other, in the order of their commits. */
  begin(committedAt: number): Ticket {
    const ticket = { committedAt, end: null, unstored: 0, storedAt: 0, places: new Map<string, number>() }
    this.#queue.push(ticket)
    return ticket
  }

  /** A message that carries some of it is on its way. */
  sent(ticket: Ticket): void {
    ticket.unstored += 1
  }

  stored(ticket: Ticket, now: number, { service, sequence }: StoredPlace): void {
    if (ticket.unstored < 1) throw new Error('More was stored of a transaction than was sent')
    ticket.unstored -= 1
    ticket.storedAt = now
    raise(ticket.places, service, sequence)
  }

  /** Some of it is in the log since an earlier run, nobody knows for how long; at this place, or before it. */
  found(ticket: Ticket, now: number, { service, sequence }: StoredPlace): void {
    ticket.storedAt = now
    raise(ticket.places, service, sequence)
  }

  committed(ticket: Ticket, end: Lsn): void {
    ticket.end = end
    this.#committedAt = Math.max(this.#committedAt, ticket.committedAt)
    this.received(end)
  }

  /** The server has sent all that it has before this position, and all of that was handed to `begin` and `committed`. */
  received(lsn: Lsn): void {
    if (lsn > this.#received) this.#received = lsn
  }

  /** Transactions that are not confirmed; those that were stored together count as one. */
  get pending(): number {
    return this.#queue.length
  }

  /** What has come in, and the first of it that is not stored, whether it is synced or not. */
  get progress(): AckerProgress {
    const unstored = this.#queue.find((ticket) => !isStored(ticket))
    return {
      received: this.#received,
      receivedCommittedAt: this.#committedAt,
      unstoredCommittedAt: unstored?.committedAt ?? null,
    }
  }

  /** How far the slot may be confirmed now. It never goes back. */
  confirmable(now: number): Lsn {
    let settled = 0
    for (const ticket of this.#queue) {
      if (!isStored(ticket) || (ticket.storedAt !== 0 && now - ticket.storedAt < this.#syncMs)) break
      if (ticket.end !== null && ticket.end > this.#confirmed) this.#confirmed = ticket.end
      for (const [service, sequence] of ticket.places) raise(this.places, service, sequence)
      settled += 1
    }
    this.#queue = together(this.#queue.slice(settled))
    if (this.#queue.length === 0 && this.#received > this.#confirmed) this.#confirmed = this.#received
    return this.#confirmed
  }
}

function raise(places: Map<string, number>, service: string, sequence: number): void {
  places.set(service, Math.max(places.get(service) ?? 0, sequence))
}

function isStored({ end, unstored }: Ticket): boolean {
  return end !== null && unstored === 0
}

/** With a broker that syncs every two minutes a busy monolith has a million transactions between two syncs. */
function together(queue: readonly Ticket[]): Ticket[] {
  const result: Ticket[] = []
  let first = 0
  for (const ticket of queue) {
    const last = result.at(-1)
    if (last === undefined || !isStored(last) || !isStored(ticket) || ticket.storedAt - first > TOGETHER_MS) {
      result.push(ticket)
      first = ticket.storedAt
    } else {
      for (const [service, sequence] of last.places) raise(ticket.places, service, sequence)
      result[result.length - 1] = { ...ticket, storedAt: Math.max(last.storedAt, ticket.storedAt) }
    }
  }
  return result
}
