import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import type { NatsTarget } from '../nats/connect.ts'
import type { PostgresTarget } from '../postgres/session.ts'

/** Everything that one split touches, as the configuration names it. */
export interface Deployment {
  readonly set: ContractSet
  readonly prefix: string
  readonly monolith: PostgresTarget
  /** All services of the set, or those that were asked for, in the set's order. */
  readonly services: readonly ServiceDatabase[]
  readonly nats: NatsTarget
  /** Copies that a NATS cluster keeps of each stream. */
  readonly replicas: number
  /** The broker's monitoring port, where one is configured, for example `http://host:8222`. */
  readonly natsMonitorUrl?: string | null
  /** What the operator says of the broker's sync_interval; 0 stands for `always`. */
  readonly natsSyncIntervalMs?: number | null
}

export interface ServiceDatabase {
  readonly service: Service
  readonly database: PostgresTarget
}
