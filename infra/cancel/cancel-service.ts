import pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import { jsonRows } from '../catalog/json-rows.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readSchemas } from '../catalog/read-server.ts'
import { withSession } from '../postgres/session.ts'
import type { Deployment, ServiceDatabase } from '../preflight/deployment.ts'
import { withLockPatience } from '../prepare/lock-patience.ts'
import { CONSUMER_LEASE_NAME } from '../prepare/names.ts'
import { hasUnfinishedReplay } from '../service-database/has-unfinished-replay.ts'
import { readServiceRecord, type ServiceRecord } from '../service-database/read-state.ts'
import type { CancelManner } from './cancel-monolith.ts'
import { planServiceCancel, type ServiceCancelStep, type ServiceRemains } from './plan-service-cancel.ts'
import { type CancelledStep, cancelledStep } from './step.ts'

/** @throws Failure 4 where the database is marked with another deployment's log, or a consumer runs there. */
export async function assertServiceCanBeCancelled(deployment: Deployment, target: ServiceDatabase): Promise<void> {
  await withSession(target.database, { purpose: `cancel ${target.service.name}` }, async (session) => {
    await assertOurs(session, deployment, target)
    await takeLease(session, target)
    await assertNotReplayed(session, target)
  })
}

async function assertOurs(session: pg.Client, { set, prefix }: Deployment, target: ServiceDatabase): Promise<void> {
  const owner = (await readServiceRecord(session))?.checkpoint ?? null
  if (owner === null) return
  if (owner.contractSet === set.name && owner.prefix === prefix && owner.service === target.service.name) return
  throw new Failure(
    4,
    `${target.database.variable} leads to the database of service ${owner.service} of ${owner.contractSet} with the prefix ${owner.prefix}: correct the URL or the prefix. Nothing was changed.`,
  )
}

/** Held until the session ends, so that no consumer begins while its tables go. */
async function takeLease(session: pg.Client, { service, database }: ServiceDatabase): Promise<void> {
  const { rows } = await session.query<{ taken: string }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
    [CONSUMER_LEASE_NAME],
  )
  if (rows[0]?.taken !== 't')
    throw new Failure(
      4,
      `A consumer or a replay of service ${service.name} runs on ${database.title}: end it, then cancel again.`,
    )
}

/** Its tables lie beside those of the service, and use what would be dropped. */
async function assertNotReplayed(session: pg.Client, { service }: ServiceDatabase): Promise<void> {
  if (!(await hasUnfinishedReplay(session))) return
  throw new Failure(
    4,
    `A replay of service ${service.name} was begun and not ended: remove it with replay ${service.name} --discard, then cancel again. Nothing was changed.`,
  )
}

/** Takes back, in one transaction, what `prepare` made in a service's database, with the rows that were loaded. */
export async function cancelService(target: ServiceDatabase, manner: CancelManner): Promise<CancelledStep[]> {
  const { service, database } = target
  const locked = {
    hindered: 'it could not be taken back',
    where: database.title,
    tables: service.entities,
    mode: 'ACCESS EXCLUSIVE' as const,
  }
  return await withSession(database, { purpose: `cancel ${service.name}` }, async (session) => {
    await takeLease(session, target)
    await assertNotReplayed(session, target)
    return await withLockPatience(session, locked, manner.patience, async () => {
      const steps: CancelledStep[] = []
      for (const planned of planServiceCancel(service, await observeServiceRemains(session, service)))
        steps.push(await carryOut(session, planned, manner))
      return steps
    })
  })
}

async function carryOut(session: pg.Client, planned: ServiceCancelStep, manner: CancelManner): Promise<CancelledStep> {
  if (manner.dryRun || planned.state !== 'needed') return cancelledStep(planned, manner.dryRun)
  const { optional, ...step } = planned
  const kept = optional ? await dropOrLeave(session, step.statements) : null
  if (!optional) for (const statement of step.statements) await runStatement(session, planned, statement)
  if (kept !== null) return cancelledStep({ ...step, state: 'left', reason: kept }, false)
  await manner.onStep(step)
  return cancelledStep(step, false)
}

const DEPENDENT_OBJECTS = '2BP01'

/** Drops, or says why not: where others depend on the object by now, it is theirs too. */
async function dropOrLeave(session: pg.Client, statements: readonly string[]): Promise<string | null> {
  await session.query('SAVEPOINT optional')
  try {
    for (const statement of statements) await session.query(statement)
    await session.query('RELEASE SAVEPOINT optional')
    return null
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== DEPENDENT_OBJECTS) throw error
    await session.query('ROLLBACK TO SAVEPOINT optional')
    return error.message
  }
}

const LOCK_NOT_AVAILABLE = '55P03'

async function runStatement(
  session: pg.Client,
  { subject, action }: ServiceCancelStep,
  statement: string,
): Promise<void> {
  try {
    await session.query(statement)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code === LOCK_NOT_AVAILABLE) throw cause
    const said = (cause.code === DEPENDENT_OBJECTS && cause.detail) || cause.message
    throw new Failure(
      4,
      `cancel could not ${action} in ${subject}, which stays as it was: ${said.replaceAll('\n', '; ')}; put that right, and cancel again.`,
      { cause },
    )
  }
}

async function observeServiceRemains(session: pg.Client, service: Service): Promise<ServiceRemains> {
  const record = await readServiceRecord(session)
  return {
    record,
    schemaExists: (await readSchemas(session, ['scission'])).size > 0,
    catalog: await readCatalog(session, service.entities, { rows: false }),
    setAside: record === null ? [] : await readSetAside(session),
    types: record === null ? [] : await readTypes(session, record),
  }
}

const SET_ASIDE = z.object({ entity: z.string(), name: z.string(), restore: z.array(z.string()) })

async function readSetAside(session: pg.Client): Promise<z.infer<typeof SET_ASIDE>[]> {
  return await jsonRows(
    session,
    SET_ASIDE,
    `SELECT json_build_object('entity', entity, 'name', name, 'restore', restore) AS row
       FROM scission.set_aside ORDER BY ordinal DESC`,
    [],
  )
}

const TYPE = z.object({ name: z.string(), extension: z.string().nullable() })

async function readTypes(session: pg.Client, { created }: ServiceRecord): Promise<z.infer<typeof TYPE>[]> {
  return await jsonRows(
    session,
    TYPE,
    `SELECT json_build_object('name', name, 'extension',
              (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                WHERE d.classid = 'pg_type'::regclass AND d.objid = to_regtype(name)
                  AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')) AS row
       FROM unnest($1::text[]) WITH ORDINALITY AS made (name, place)
      WHERE to_regtype(name) IS NOT NULL ORDER BY place`,
    [created.filter(({ kind }) => kind === 'type').map(({ name }) => name)],
  )
}
