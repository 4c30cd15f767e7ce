import { setMaxListeners } from 'node:events'
import type { JetStreamManager, NatsConnection } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { lsnText, parseLsn } from '../../contracts/positions.ts'
import { changeSubjects } from '../../contracts/subjects.ts'
import { EPOCH_HEADER } from '../../contracts/wire/headers.ts'
import { WIRE_VERSION } from '../../contracts/wire/message.ts'
import { brokerFailure, withNats } from '../nats/connect.ts'
import { atMost } from './at-most.ts'
import { checkLoaded } from './check-loaded.ts'
import { countReferences, type ServiceDatabase } from './count-references.ts'
import type { VerifyEvent } from './events.ts'
import { lastMessage } from './last-message.ts'
import { verifyLive } from './live/verify-live.ts'
import { SERVICES_AT_ONCE, verifySnapshot } from './verify-snapshot.ts'
import {
  type Verifying,
  type VerifyDependencies,
  type VerifyOptions,
  wantedOf,
  type WantedService,
} from './verifying.ts'
import { type ClosedSnapshot, readManifest } from './read-manifest.ts'
import type { ReferenceReport, ServiceReport, VerifyReport } from './report.ts'
import { WAY_OUT, withStoppableSession } from './stoppable-session.ts'

/**
 * Compares what the services hold with what the monolith held, table by table: count, digest and structure. Before any
 * change was followed that is what the log says of the snapshot; afterwards it is the monolith itself, as of one point that
 * all services come to. Where a table differs its rows are named. No row of theirs is changed.
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
  dependencies: VerifyDependencies,
  options: VerifyOptions,
  report: (event: VerifyEvent) => void,
): Promise<VerifyReport> {
  const { set, prefix, services } = dependencies
  const signal = AbortSignal.any(options.signal === undefined ? [] : [options.signal])
  // Each session listens: more than the ten that Node takes for a leak.
  setMaxListeners(0, signal)
  const snapshots = await readManifests(connection, prefix, services)
  assertOneEpoch(snapshots)
  // As many snapshots as services.
  const wanted = services.map((each, index) => ({ ...each, snapshot: snapshots[index] as ClosedSnapshot }))
  // All are asked before the first is read: hours of reading would be lost on a service that is not ready.
  const verifying = { ...dependencies, limit: options.limit, signal, connection, report, wanted }
  await atMost(SERVICES_AT_ONCE, wanted, async (each) => await assertLoaded(verifying, each))
  const isLive = await hasChanges(await connection.jetstreamManager(), prefix, wanted)
  const { reports, point } = isLive ? await verifyLive(verifying) : await verifySnapshot(verifying)
  const isReadable = (name: string, entity: string): boolean =>
    reports.some(
      ({ service, tables }) => service === name && tables.some((t) => t.entity === entity && t.found !== null),
    )
  const references = await countReferences(services, isReadable, signal, (counted, ofReferences) =>
    report({ type: 'references-counted', references: counted, ofReferences }),
  )
  const natsVersion = connection.info?.version ?? ''
  return verifyReport({ set, prefix, startedAt, now: new Date(), natsVersion, snapshots, reports, references, point })
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
  /** The point as of which the monolith itself was compared; null where it was the snapshot in the log. */
  readonly point: string | null
}

export function verifyReport(verification: Verification): VerifyReport {
  const { set, point, prefix, startedAt, now, natsVersion, snapshots, reports, references } = verification
  const [first] = snapshots
  if (first === undefined) throw new Error('A verification has at least one service')
  return {
    verified: reports.every(({ verified }) => verified),
    verifiedAt: now.toISOString(),
    contractSet: set.name,
    prefix,
    epoch: first.manifest.epoch,
    consistencyPoint: point ?? latestConsistencyPoint(snapshots),
    against: point === null ? 'log' : 'monolith',
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

async function assertLoaded(verifying: Verifying, { database, service, snapshot }: WantedService): Promise<void> {
  await withStoppableSession(
    database,
    `verify ${service.name}`,
    verifying.signal,
    async (client) => await checkLoaded(client, wantedOf(verifying, service.name, snapshot)),
  )
}

/** Whether the log has changes of the snapshots' epoch. */
async function hasChanges(
  manager: JetStreamManager,
  prefix: string,
  wanted: readonly WantedService[],
): Promise<boolean> {
  for (const { service, snapshot } of wanted) {
    const last = await lastMessage(manager, snapshot.stream, changeSubjects(prefix, service.name))
    if (last !== null && Number(last.header.get(EPOCH_HEADER)) === snapshot.manifest.epoch) return true
  }
  return false
}
