import type { NatsConnection } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { lsnText, parseLsn } from '../../contracts/positions.ts'
import { WIRE_VERSION } from '../../contracts/wire/message.ts'
import { brokerFailure, type NatsTarget, withNats } from '../nats/connect.ts'
import { atMost } from './at-most.ts'
import { checkLoaded } from './check-loaded.ts'
import { countReferences, type ServiceDatabase } from './count-references.ts'
import type { VerifyEvent } from './events.ts'
import { type ClosedSnapshot, readManifest } from './read-manifest.ts'
import type { ReferenceReport, ServiceReport, VerifyReport } from './report.ts'
import { WAY_OUT, withStoppableSession } from './stoppable-session.ts'
import { type ServiceVerification, verifyService } from './verify-service.ts'

export interface VerifyDependencies {
  readonly set: ContractSet
  readonly prefix: string
  readonly services: readonly ServiceDatabase[]
  readonly nats: NatsTarget
}

export interface VerifyOptions {
  /** How many of the rows that differ are named, for each table; their number is exact all the same. */
  readonly limit: number
  readonly signal?: AbortSignal
}

/** Each service reads one table at a time, so this is what a server that holds several of them has to bear. */
const SERVICES_AT_ONCE = 2

/**
 * Compares what the services hold with what the log says that the monolith held, table by table: count, digest and
 * structure. Where a table differs its rows are named, from the log's pages. Nothing is changed anywhere.
 * @throws Failure 4 where the log holds no closed snapshot, or a database belongs to another log; 5 where a service has
 * not finished loading, or the broker does not answer. A difference is no failure: the report tells it.
 */
export async function verify(
  dependencies: VerifyDependencies,
  options: VerifyOptions,
  report: (event: VerifyEvent) => void,
): Promise<VerifyReport> {
  const startedAt = new Date()
  try {
    return await withNats(
      dependencies.nats,
      'verify',
      async (connection) => await verifyWith(connection, startedAt, dependencies, options, report),
    )
  } catch (error) {
    throw brokerFailure(dependencies.nats, error, WAY_OUT)
  }
}

async function verifyWith(
  connection: NatsConnection,
  startedAt: Date,
  { set, prefix, services }: VerifyDependencies,
  { limit, signal }: VerifyOptions,
  report: (event: VerifyEvent) => void,
): Promise<VerifyReport> {
  const snapshots = await readManifests(connection, prefix, services)
  assertOneEpoch(snapshots)
  const verifications = services.map((each, index): ServiceVerification => {
    // As many snapshots as services.
    const snapshot = snapshots[index] as ClosedSnapshot
    return { ...each, contractSet: set.name, prefix, snapshot, connection, limit, signal, report }
  })
  // All are asked before the first is read: hours of reading would be lost on a service that is not ready.
  await atMost(SERVICES_AT_ONCE, verifications, assertLoaded)
  const reports = await atMost(SERVICES_AT_ONCE, verifications, verifyService)
  const isReadable = (name: string, entity: string): boolean =>
    reports.some(
      ({ service, tables }) => service === name && tables.some((t) => t.entity === entity && t.found !== null),
    )
  const references = await countReferences(services, isReadable, signal, (counted, ofReferences) =>
    report({ type: 'references-counted', references: counted, ofReferences }),
  )
  const natsVersion = connection.info?.version ?? ''
  return verifyReport({ set, prefix, startedAt, now: new Date(), natsVersion, snapshots, reports, references })
}

/** What a report is made of. */
export interface Verification {
  readonly set: ContractSet
  readonly prefix: string
  readonly startedAt: Date
  readonly now: Date
  readonly natsVersion: string
  readonly snapshots: readonly ClosedSnapshot[]
  readonly reports: readonly ServiceReport[]
  readonly references: readonly ReferenceReport[]
}

export function verifyReport(verification: Verification): VerifyReport {
  const { set, prefix, startedAt, now, natsVersion, snapshots, reports, references } = verification
  const [first] = snapshots
  if (first === undefined) throw new Error('A verification has at least one service')
  return {
    verified: reports.every(({ verified }) => verified),
    verifiedAt: now.toISOString(),
    contractSet: set.name,
    prefix,
    epoch: first.manifest.epoch,
    consistencyPoint: latestConsistencyPoint(snapshots),
    monolith: { systemId: first.begun.systemId, database: first.begun.database },
    versions: { wire: WIRE_VERSION, node: process.version, nats: natsVersion },
    seconds: (now.getTime() - startedAt.getTime()) / 1000,
    services: reports,
    references,
  }
}

/** From the latest one on, all services are exact together. */
function latestConsistencyPoint(snapshots: readonly ClosedSnapshot[]): string {
  const points = snapshots.map(({ manifest }) => parseLsn(manifest.consistencyPoint))
  return lsnText(points.reduce((latest, point) => (point > latest ? point : latest)))
}

/**
 * Services of different epochs are of different points in time: they prove nothing together.
 * @throws Failure 4.
 */
export function assertOneEpoch(snapshots: readonly ClosedSnapshot[]): void {
  const [first] = snapshots
  const other = snapshots.find(({ manifest }) => manifest.epoch !== first?.manifest.epoch)
  if (first === undefined || other === undefined) return
  throw new Failure(
    4,
    `Stream ${first.stream} is at epoch ${first.manifest.epoch} and stream ${other.stream} at epoch ${other.manifest.epoch}: run publish, so that all services are of one epoch.`,
  )
}

async function readManifests(
  connection: NatsConnection,
  prefix: string,
  services: readonly ServiceDatabase[],
): Promise<ClosedSnapshot[]> {
  const manager = await connection.jetstreamManager()
  return await atMost(SERVICES_AT_ONCE, services, async ({ service }) => await readManifest(manager, prefix, service))
}

async function assertLoaded({ database, service, signal, ...wanted }: ServiceVerification): Promise<void> {
  await withStoppableSession(
    database,
    `verify ${service.name}`,
    signal,
    async (client) => await checkLoaded(client, { ...wanted, service: service.name }),
  )
}
