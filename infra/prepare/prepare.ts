import type { JetStreamManager } from 'nats'
import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { streamName } from '../../contracts/subjects.ts'
import { tableOf } from '../catalog/catalog.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readServer } from '../catalog/read-server.ts'
import { withNats } from '../nats/connect.ts'
import { ensureStream, readStreamConfig } from '../nats/ensure-stream.ts'
import { streamConfiguration } from '../nats/stream-settings.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { withSession } from '../postgres/session.ts'
import type { Deployment, ServiceDatabase } from '../preflight/deployment.ts'
import { MONOLITH, NATS } from '../preflight/finding.ts'
import { observeService } from '../preflight/observe-service.ts'
import { hasErrors, runPreflight } from '../preflight/run-preflight.ts'
import { LOCK_PATIENCE, type LockPatience, withLockPatience } from './lock-patience.ts'
import { readMonolithRecord } from './monolith-record.ts'
import { type MonolithStep, planMonolith } from './plan-monolith.ts'
import { type LogOwner, planService } from './plan-service.ts'
import { takePreparationLock } from './preparation-lock.ts'
import { refusal } from './refusal.ts'
import { identityServes } from './replica-identity.ts'
import { type PlannedStep, type PreparedStep, preparedStep, type Step, type StepListener } from './step.ts'

export interface PrepareOptions {
  /** Whether a slot will follow the monolith; without one the monolith is not touched. */
  readonly withSlot: boolean
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean
  readonly onStep?: StepListener
  readonly patience?: LockPatience
}

/** What each of the three places is prepared with. */
interface Preparation extends Required<PrepareOptions> {
  readonly deployment: Deployment
}

/**
 * Makes everything ready for the first publication: streams, the services' tables, and in the monolith replica
 * identities and the publication. It can be run again, after a crash at any point too, and goes on from there; what is
 * there already is left as it is. `cancel` undoes it.
 * @throws Failure 4 that lists what preflight found, before anything is changed; or that names what held a lock.
 */
export async function prepare(deployment: Deployment, options: PrepareOptions): Promise<PreparedStep[]> {
  const findings = await runPreflight(deployment, options)
  if (hasErrors(findings)) throw refusal('prepare', findings)
  const preparation = { onStep: () => undefined, patience: LOCK_PATIENCE, ...options, deployment }
  return await withSession(deployment.monolith, { purpose: 'prepare' }, async (monolith) => {
    await takePreparationLock(monolith)
    const steps = await prepareLog(preparation)
    for (const service of deployment.services) steps.push(...(await prepareService(preparation, service)))
    if (options.withSlot) steps.push(...(await prepareMonolith(preparation, monolith)))
    return steps
  })
}

async function prepareLog({ deployment, dryRun, onStep }: Preparation): Promise<PreparedStep[]> {
  const { prefix, replicas, services } = deployment
  return await withNats(deployment.nats, 'prepare', async (connection) => {
    const manager = await connection.jetstreamManager()
    const messageBytes = connection.info?.max_payload ?? 0
    const steps: PreparedStep[] = []
    for (const { service } of services) {
      const planned = await planStream(manager, deployment, service.name)
      const makes = !dryRun && planned.state === 'needed'
      if (makes) await ensureStream(manager, { prefix, service: service.name, replicas, messageBytes })
      if (makes) await onStep(planned)
      steps.push(preparedStep(planned, dryRun))
    }
    return steps
  })
}

async function planStream(
  manager: JetStreamManager,
  { prefix, replicas }: Deployment,
  service: string,
): Promise<PlannedStep> {
  const name = streamName(prefix, service)
  const present = (await readStreamConfig(manager, name)) !== null
  return {
    subject: NATS,
    action: `create stream ${name}`,
    statements: present ? [] : [JSON.stringify(streamConfiguration(prefix, service, replicas))],
    state: present ? 'present' : 'needed',
  }
}

async function prepareService(preparation: Preparation, target: ServiceDatabase): Promise<PreparedStep[]> {
  const { set, prefix } = preparation.deployment
  return await prepareServiceDatabase(target, { contractSet: set.name, prefix }, preparation)
}

/**
 * Makes a database ready for a service's consumer, in one transaction: it is prepared or untouched.
 * @throws Failure 4 for what stands in the way, or that names what held a lock.
 */
export async function prepareServiceDatabase(
  target: ServiceDatabase,
  owner: LogOwner,
  { dryRun, onStep, patience }: Pick<Preparation, 'dryRun' | 'onStep' | 'patience'>,
): Promise<PreparedStep[]> {
  const locked = {
    hindered: 'it could not be prepared',
    where: target.database.title,
    tables: target.service.entities,
    mode: 'ACCESS EXCLUSIVE' as const,
  }
  return await withSession(target.database, { purpose: `prepare ${target.service.name}` }, async (session) => {
    const server = await readServer(session)
    return await withLockPatience(session, locked, patience, async () => {
      const planned = planService(await observeService(session, server, target), owner)
      if (!dryRun) for (const step of planned) if (step.state === 'needed') await carryOut(session, step, onStep)
      return planned.map((step) => preparedStep(step, dryRun))
    })
  })
}

async function prepareMonolith(preparation: Preparation, session: pg.Client): Promise<PreparedStep[]> {
  const { deployment, dryRun } = preparation
  const entities = deployment.set.services.flatMap((service) => service.entities)
  const catalog = await readCatalog(session, entities, { rows: false })
  const planned = planMonolith(deployment, catalog, await readMonolithRecord(session, deployment.prefix))
  if (!dryRun)
    for (const step of planned) if (step.state === 'needed') await carryOutInMonolith(preparation, session, step)
  return planned.map((step) => preparedStep(step, dryRun))
}

async function carryOutInMonolith(
  { onStep, patience }: Preparation,
  session: pg.Client,
  step: MonolithStep,
): Promise<void> {
  const { hindered, locks: tables, mode } = step
  await withLockPatience(session, { hindered, where: MONOLITH, tables, mode }, patience, async () => {
    await runStatements(session, step)
    if (mode === 'SHARE UPDATE EXCLUSIVE') await assertIdentitiesServe(session, tables)
  })
  await onStep(step)
}

/**
 * Looked at again under the publication's own locks: a table that lost its identity since it was planned would refuse
 * the application's updates from the commit on.
 */
async function assertIdentitiesServe(session: pg.Client, tables: MonolithStep['locks']): Promise<void> {
  const catalog = await readCatalog(session, tables, { rows: false })
  for (const name of tables) {
    const table = tableOf(catalog, name)
    if (table !== undefined && identityServes(table, table.replicaIdentity, table.replicaIdentityIndex)) continue
    throw new Failure(
      4,
      `Table ${tableSql(name)} of the monolith was changed while it was prepared, and has no replica identity now: run prepare again.`,
    )
  }
}

async function carryOut(session: pg.Client, step: PlannedStep, onStep: StepListener): Promise<void> {
  await runStatements(session, step)
  await onStep(step)
}

const LOCK_NOT_AVAILABLE = '55P03'

async function runStatements(session: pg.Client, { subject, action, statements }: Step): Promise<void> {
  try {
    for (const statement of statements) await session.query(statement)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code === LOCK_NOT_AVAILABLE) throw cause
    throw new Failure(
      4,
      `prepare could not ${action} in ${subject}: ${cause.message}; put that right and run it again, it goes on from here.`,
      { cause },
    )
  }
}
