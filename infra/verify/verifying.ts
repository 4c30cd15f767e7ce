import type { NatsConnection } from 'nats'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import type { NatsTarget } from '../nats/connect.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import type { Wanted } from './check-loaded.ts'
import type { ServiceDatabase } from './count-references.ts'
import type { VerifyEvent } from './events.ts'
import type { ClosedSnapshot } from './read-manifest.ts'
import type { ServiceReport } from './report.ts'

export interface VerifyDependencies {
  readonly set: ContractSet
  readonly prefix: string
  readonly services: readonly ServiceDatabase[]
  readonly nats: NatsTarget
  /**
   * The monolith, or what finds it: it is needed where the log has changes after the snapshot, since then the snapshot
   * alone proves nothing.
   */
  readonly monolith?: PostgresTarget | (() => Promise<PostgresTarget>)
}

export interface VerifyOptions {
  /** How many of the rows that differ are named, for each table; their number is exact all the same. */
  readonly limit: number
  readonly signal?: AbortSignal
}

/** Everything that a verification works with. */
export interface Verifying extends VerifyDependencies, VerifyOptions {
  readonly connection: NatsConnection
  readonly report: (event: VerifyEvent) => void
  readonly wanted: readonly WantedService[]
}

export interface WantedService extends ServiceDatabase {
  readonly snapshot: ClosedSnapshot
}

/** What the services' tables came to, and as of which point of the monolith. */
export interface Verified {
  readonly reports: readonly ServiceReport[]
  readonly point: string | null
}

export function wantedOf({ prefix, set }: Verifying, service: string, snapshot: ClosedSnapshot): Wanted {
  return { contractSet: set.name, prefix, service, snapshot }
}
