import { Failure } from '../contracts/failure.ts'
import { readServer } from '../infra/catalog/read-server.ts'
import {
  monolithMatchesContract,
  rowsAreVisible,
  tablesAreClaimed,
  tablesAreOrdinary,
} from '../infra/preflight/check-monolith-tables.ts'
import {
  prefixIsOurs,
  publicationIsOurs,
  slotIsFree,
  slotNameIsOurs,
  walLevelIsLogical,
  walSenderIsFree,
} from '../infra/preflight/check-replication.ts'
import { encodingsAreUtf8, serversTakeWrites } from '../infra/preflight/check-servers.ts'
import type { Check, MonolithState, PreflightContext } from '../infra/preflight/context.ts'
import { observeMonolith } from '../infra/preflight/observe-monolith.ts'
import { publicationSql } from '../infra/prepare/plan-monolith.ts'
import type { Run } from './run.ts'

/** What must hold at the moment of reading: `prepare` may have looked long ago, and migrations go on. */
const CONTRACT_CHECKS: readonly Check[] = [tablesAreClaimed, monolithMatchesContract, tablesAreOrdinary, rowsAreVisible]

const SERVER_CHECKS: readonly Check[] = [
  serversTakeWrites,
  encodingsAreUtf8,
  walLevelIsLogical,
  slotNameIsOurs,
  prefixIsOurs,
]

const SLOT_CHECKS: readonly Check[] = [slotIsFree, walSenderIsFree]

/**
 * Compares the monolith with the contract set and with what `prepare` made, just before it is read.
 * @throws Failure 4 with everything that does not fit.
 */
export async function refuseUnfitMonolith(run: Run): Promise<void> {
  const context = await observe(run)
  await refuse(context, [...SERVER_CHECKS, ...CONTRACT_CHECKS])
  if (!context.withSlot) return
  if (!isPrepared(run, context.monolith))
    throw new Failure(4, 'The monolith is not prepared for a slot: run prepare first, or publish with --no-slot.')
  await refuse(context, [publicationIsOurs])
}

/**
 * Looks whether the server has room for a slot and for the session that makes it.
 * @throws Failure 4 where it has none.
 */
export async function refuseFullServer(run: Run): Promise<void> {
  await refuse(await observe(run), SLOT_CHECKS)
}

/**
 * Compares the tables with the contract set once more after they were read: a migration in between may have changed what
 * no snapshot shows.
 * @throws Failure 4 with everything that does not fit any more.
 */
export async function refuseChangedMonolith(run: Run): Promise<void> {
  await refuse(await observe(run), CONTRACT_CHECKS)
}

async function observe({
  control,
  dependencies,
  options,
}: Run): Promise<PreflightContext & { monolith: MonolithState }> {
  const deployment = { ...dependencies, services: [], replicas: 1 }
  const monolith = await observeMonolith(control, await readServer(control), deployment)
  return { deployment, withSlot: options.withSlot, monolith, services: [], log: null }
}

/** Changes of a table that the publication does not have would never reach the log. */
function isPrepared({ dependencies: { set, prefix } }: Run, { record }: MonolithState): boolean {
  const entities = set.services.flatMap((service) => service.entities)
  const recorded = record.preparations.some((preparation) => preparation.prefix === prefix)
  return recorded && record.publication !== null && publicationSql(entities, prefix, record.publication).length === 0
}

async function refuse(context: PreflightContext, checks: readonly Check[]): Promise<void> {
  const findings = (await Promise.all(checks.map(async (check) => await check(context)))).flat()
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new Failure(
      4,
      `The monolith cannot be published: ${errors.map(({ problem, cure }) => `${problem} ${cure}`).join(' ')}`,
    )
}
