import type { JetStreamAccountStats, NatsConnection } from 'nats'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import type { OpenTransaction, PreparedTransaction } from '../catalog/read-activity.ts'
import type { SchemaFacts, ServerFacts } from '../catalog/read-server.ts'
import type { UserTable } from '../catalog/read-user-tables.ts'
import type { Monitored } from '../nats/monitor.ts'
import type { ExistingStreamConfig } from '../nats/stream-settings.ts'
import type { MonolithRecord } from '../prepare/monolith-record.ts'
import type { ServiceRecord } from '../service-database/read-state.ts'
import type { Deployment, ServiceDatabase } from './deployment.ts'
import type { Finding } from './finding.ts'

/** What the checks look at: read once, in a bounded number of statements, before the first check runs. */
export interface PreflightContext {
  readonly deployment: Deployment
  /** Whether a slot will follow the monolith; without one a planned downtime is meant. */
  readonly withSlot: boolean
  /** Null where the server could not be reached or is too old: a finding says so, and its checks are left out. */
  readonly monolith: MonolithState | null
  /** Those that could be reached. */
  readonly services: readonly ServiceState[]
  readonly log: LogState | null
  /** What the broker's monitoring port says; null where none is configured. */
  readonly monitored: Monitored | null
}

export interface MonolithState {
  readonly session: pg.Client
  readonly server: ServerFacts
  readonly catalog: Catalog
  /** The schemas of the contract's tables, where they exist. */
  readonly schemas: ReadonlyMap<string, SchemaFacts>
  readonly userTables: readonly UserTable[]
  readonly record: MonolithRecord
  readonly usedSlots: number
  readonly usedSenders: number
  readonly openTransactions: readonly OpenTransaction[]
  readonly preparedTransactions: readonly PreparedTransaction[]
  readonly hasLargeObjects: boolean
  /** What the indexes of all users' tables take, by the planner's page counts. */
  readonly indexBytes: number
}

export interface ServiceState extends ServiceDatabase {
  readonly session: pg.Client
  readonly server: ServerFacts
  readonly catalog: Catalog
  readonly schemas: ReadonlyMap<string, SchemaFacts>
  /** Those of the contract's types that exist, by name. */
  readonly presentTypes: ReadonlySet<string>
  readonly record: ServiceRecord | null
}

export interface LogState {
  readonly connection: NatsConnection
  readonly maxPayloadBytes: number
  readonly clustered: boolean
  readonly account: JetStreamAccountStats
  /** The configuration of each service's stream that exists, by the service's name. */
  readonly streams: ReadonlyMap<string, ExistingStreamConfig>
  /** Streams with a subject under our prefix, whatever their names. */
  readonly neighbours: readonly { readonly name: string; readonly subjects: readonly string[] }[]
}

/** One check: what is wrong with one thing, and nothing where all is well. */
export type Check = (context: PreflightContext) => readonly Finding[] | Promise<readonly Finding[]>
