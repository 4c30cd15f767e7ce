import type { FailureCode } from '../../contracts/failure.ts'
import type { MonolithStanding } from '../../infra/following/monolith-standing.ts'
import type { ServiceLag } from './service-lag.ts'

/** How a split is, as far as it can be told: what cannot be reached hides nothing of the others. */
export interface LagReport {
  /** The monolith's side of the log; null where that cannot be reached. */
  readonly monolith: MonolithStanding | null
  /** Nobody wants it to be told of: its URL is not configured for the verb beside which is looked. */
  readonly isMonolithUnwatched?: true
  /** In the order of the migration. */
  readonly services: readonly (ServiceLag | UnknownService)[]
  /** Why something is not told, each once. */
  readonly problems: readonly Problem[]
}

/** A service of which nothing can be told. */
export interface UnknownService {
  readonly service: string
  readonly status: 'unknown'
  /** Nobody wants it to be told of: the URL of its database is not configured for the verb beside which is looked. */
  readonly isUnwatched?: true
}

/** A sentence for an operator, with the exit code of a verb that needs what is in the way. */
export interface Problem {
  readonly sentence: string
  readonly exitCode: FailureCode
  /** NATS is what is in the way. */
  readonly isOfBroker?: true
}

export function isKnown(lag: ServiceLag | UnknownService): lag is ServiceLag {
  return lag.status !== 'unknown'
}
