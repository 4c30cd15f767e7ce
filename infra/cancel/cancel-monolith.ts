import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { MONOLITH } from '../preflight/finding.ts'
import { type LockPatience, withLockPatience } from '../prepare/lock-patience.ts'
import { lockSoon } from '../postgres/advisory-lock.ts'
import { publisherLockName, slotName } from '../prepare/names.ts'
import type { StepListener } from '../prepare/step.ts'
import { observeMonolithRemains } from './observe-monolith-remains.ts'
import { type MonolithCancelStep, type MonolithRemains, planMonolithCancel } from './plan-monolith-cancel.ts'
import { type CancelledStep, cancelledStep } from './step.ts'

/** How a place is undone. */
export interface CancelManner {
  readonly dryRun: boolean
  readonly onStep: StepListener
  readonly patience: LockPatience
}

/**
 * Refuses while something still works on what is to be undone.
 * @throws Failure 4 that names the process which streams from the slot, or that a publisher runs.
 */
export async function assertMonolithIdle(client: pg.Client, prefix: string): Promise<void> {
  // First, since whoever looks at the slot for a moment shares the lock, and is in nobody's way then.
  const isFree = await lockSoon(client, publisherLockName(prefix))
  const { record } = await observeMonolithRemains(client, prefix)
  const pid = record.slot?.activePid ?? null
  if (pid !== null) throw new Failure(4, activeSentence(slotName(prefix), pid, await applicationOf(client, pid)))
  if (!isFree)
    throw new Failure(4, `A publisher of ${prefix} is running: end it, then cancel again. Nothing was changed.`)
}

/** Undoes, in the monolith, what `prepare` and the publisher made there. Each step is a transaction of its own. */
export async function cancelMonolith(
  client: pg.Client,
  prefix: string,
  manner: CancelManner,
): Promise<CancelledStep[]> {
  const remains = await observeMonolithRemains(client, prefix)
  const planned = planMonolithCancel(prefix, remains)
  if (!manner.dryRun) for (const step of planned) await carryOut(client, step, remains, manner)
  return planned.map((step) => cancelledStep(step, manner.dryRun))
}

async function carryOut(
  client: pg.Client,
  step: MonolithCancelStep,
  { record }: MonolithRemains,
  { onStep, patience }: CancelManner,
): Promise<void> {
  if (step.state !== 'needed') return
  const locked = {
    hindered: `"${step.action}" could not be done`,
    where: MONOLITH,
    tables: step.locks.length > 0 ? step.locks : record.identities,
    mode: 'ACCESS EXCLUSIVE' as const,
  }
  await withLockPatience(client, locked, patience, async () => {
    for (const statement of step.statements) await client.query(statement)
  })
  await onStep(step)
}

function activeSentence(slot: string, pid: string, application: string): string {
  return `Slot ${slot} is in use by PostgreSQL process ${pid}${application}: end it, then cancel again. Nothing was changed.`
}

async function applicationOf(client: pg.Client, pid: string): Promise<string> {
  const { rows } = await client.query<{ name: string | null }>(
    "SELECT nullif(application_name, '') AS name FROM pg_stat_activity WHERE pid = $1::int",
    [pid],
  )
  const name = rows[0]?.name ?? null
  return name === null ? '' : ` (application ${JSON.stringify(name)})`
}
