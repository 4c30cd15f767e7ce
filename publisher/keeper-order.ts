import type { PostgresTarget } from '../infra/postgres/session.ts'

/** What a publisher writes to its keeper's standard input, as one JSON text; the URL holds a password. */
export interface KeeperOrder {
  readonly monolith: PostgresTarget
  readonly prefix: string
  readonly snapshot: {
    readonly name: string
    readonly visible: string
    /** An LSN as text. */
    readonly consistencyPoint: string
    readonly log: string
    readonly epoch: number
  }
  /** How long it stays when no publisher is to be seen. */
  readonly leaveAfterMs: number
}

/** What the keeper answers when it holds the snapshot and is on record; anything else says why it does not. */
export const KEPT = 'kept'
