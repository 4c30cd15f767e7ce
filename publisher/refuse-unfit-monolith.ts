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
import { codeOf } from '../infra/postgres/session.ts'
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

/** How long the last look at the catalog waits for a lock. */
const LOOK_LIMIT_MS = 1_000

const LOCK_NOT_AVAILABLE = '55P03'

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
 * Compares the monolith with the contract set once more after it was read. What does not fit came after the snapshot,
 * which is true to its own moment; but it will hinder whatever follows.
 */
export async function noticeChangedMonolith(run: Run): Promise<void> {
  // Whoever holds a lock is at work on a change; nothing of the snapshot waits for that any more.
  await run.control.query(`SET lock_timeout = ${LOOK_LIMIT_MS}`)
  const found = await observe(run).then(
    async (context) => await errorsOf(context, CONTRACT_CHECKS),
    (error: unknown) => {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error
      return ['A table is locked.']
    },
  )
  if (found.length === 0) return
  run.report({
    type: 'notice',
    text: `The monolith has changed since the snapshot was taken: ${found.join(' ')}`,
    isFault: true,
  })
}

async function observe({
  control,
  dependencies,
  options,
}: Run): Promise<PreflightContext & { monolith: MonolithState }> {
  const deployment = { ...dependencies, services: [], replicas: 1 }
  const monolith = await observeMonolith(control, await readServer(control), deployment)
  return { deployment, withSlot: options.withSlot, monolith, services: [], log: null, monitored: null }
}

/** Changes of a table that the publication does not have would never reach the log. */
function isPrepared({ dependencies: { set, prefix } }: Run, { record }: MonolithState): boolean {
  const entities = set.services.flatMap((service) => service.entities)
  const recorded = record.preparations.some((preparation) => preparation.prefix === prefix)
  return recorded && record.publication !== null && publicationSql(entities, prefix, record.publication).length === 0
}

async function refuse(context: PreflightContext, checks: readonly Check[]): Promise<void> {
  const errors = await errorsOf(context, checks)
  if (errors.length > 0) throw new Failure(4, `The monolith cannot be published: ${errors.join(' ')}`)
}

async function errorsOf(context: PreflightContext, checks: readonly Check[]): Promise<string[]> {
  const findings = (await Promise.all(checks.map(async (check) => await check(context)))).flat()
  return findings.filter(({ severity }) => severity === 'error').map(({ problem, cure }) => `${problem} ${cure}`)
}
