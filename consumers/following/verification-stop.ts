import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import type { ChangeMessage } from '../../contracts/wire/message.ts'
import {
  exportVerification,
  HOLD_LIMIT_MS,
  readVerification,
  verificationOf,
} from '../../infra/following/verification-request.ts'
import { openConsumerSession, type SessionLife } from '../consumer-session.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import type { LogStop, SplitMessage } from './position-stop.ts'

export interface VerificationStopOptions {
  /** The session that holds the lease. */
  readonly leader: pg.Client
  readonly database: PostgresTarget
  readonly service: string
  readonly life: SessionLife
  /** Returns when all that was taken is applied. */
  readonly drain: () => Promise<void>
}

const LOOK_MS = 20

/** How long a snapshot is held for a `verify` that does not come for it. */
const SEEN_LIMIT_MS = 30_000

/** Lets a verification see the service's database as of one point of the log, while the log is applied. */
export class VerificationStop implements LogStop {
  readonly isEnd = false
  readonly #options: VerificationStopOptions
  #stop: { readonly id: string; readonly point: Lsn } | null = null

  constructor(options: VerificationStopOptions) {
    this.#options = options
  }

  /** At a verification's first marker the reading holds until the point is known; behind the point it is shown. */
  async marker(name: string, lsn: string): Promise<void> {
    const id = verificationOf(name)
    if (this.#stop !== null && parseLsn(lsn) >= this.#stop.point) await this.show()
    if (id === null || this.#stop?.id === id) return
    const point = await this.#waitForPoint(id)
    if (point !== null) this.#stop = { id, point }
  }

  split(message: ChangeMessage): SplitMessage | null {
    const stop = this.#stop
    if (stop === null) return null
    const at = message.runs.findIndex(({ lsn }) => parseLsn(lsn) >= stop.point)
    return at < 0 ? null : { before: message.runs.slice(0, at), after: message.runs.slice(at) }
  }

  /** All before the point was taken: it is applied, and shown. */
  async show(): Promise<void> {
    const { database, drain, leader, life, service } = this.#options
    const stop = this.#stop
    this.#stop = null
    if (stop === null) return
    await drain()
    const { client, end } = await openConsumerSession(database, `${service} verified`, life)
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const { rows } = await client.query<{ name: string }>('SELECT pg_export_snapshot() AS name')
      await exportVerification(leader, stop.id, rows[0]?.name ?? '')
    } catch (error) {
      await end()
      throw error
    }
    // The log is applied meanwhile.
    this.#untilSeen(stop.id)
      .then(end, end)
      .catch(() => undefined)
  }

  /** In the transaction that holds the snapshot the request would stay as it was: so the leader looks. */
  async #untilSeen(id: string): Promise<void> {
    const { leader, life } = this.#options
    for (let waited = 0; waited < SEEN_LIMIT_MS && !life.signal.aborted; waited += LOOK_MS) {
      const request = await readVerification(leader, id)
      if (request === null || request.isSeen) return
      await sleep(LOOK_MS, undefined, { signal: life.signal })
    }
  }

  async #waitForPoint(id: string): Promise<Lsn | null> {
    const { leader, life } = this.#options
    for (;;) {
      const request = await readVerification(leader, id)
      if (request === null || request.snapshot !== null || request.ageMs > HOLD_LIMIT_MS) return null
      if (request.point !== null) return parseLsn(request.point)
      await sleep(LOOK_MS, undefined, { signal: life.signal })
    }
  }
}
