import { withSession } from '../postgres/session.ts'
import type { Deployment } from '../preflight/deployment.ts'
import { LOCK_PATIENCE, type LockPatience } from '../prepare/lock-patience.ts'
import { takePreparationLock } from '../prepare/preparation-lock.ts'
import type { StepListener } from '../prepare/step.ts'
import { cancelLog } from './cancel-log.ts'
import { assertMonolithIdle, cancelMonolith } from './cancel-monolith.ts'
import { assertServiceCanBeCancelled, cancelService } from './cancel-service.ts'
import type { CancelledStep } from './step.ts'

export interface CancelOptions {
  /** Deletes the streams too. */
  readonly withLog: boolean
  /** Drops what `prepare` made in the services' databases too, with the rows in it. */
  readonly withServices: boolean
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean
  readonly onStep?: StepListener
  readonly patience?: LockPatience
}

/**
 * Undoes `prepare`: the monolith is as it was, to the replica identity, and holds no WAL for us. It can be run again,
 * after a crash at any point too.
 * @throws Failure 4, with nothing changed, while a publisher runs, the slot is in use, or a URL leads to another
 * deployment's database; later, where a lock could not be had or others depend on what is to be dropped.
 */
export async function cancel(deployment: Deployment, options: CancelOptions): Promise<CancelledStep[]> {
  const { withLog, withServices, dryRun, onStep = () => undefined, patience = LOCK_PATIENCE } = options
  const manner = { dryRun, onStep, patience }
  return await withSession(deployment.monolith, { purpose: 'cancel' }, async (monolith) => {
    await takePreparationLock(monolith)
    await assertMonolithIdle(monolith, deployment.prefix)
    if (withServices) for (const service of deployment.services) await assertServiceCanBeCancelled(deployment, service)
    const steps = await cancelMonolith(monolith, deployment.prefix, manner)
    if (withServices) for (const service of deployment.services) steps.push(...(await cancelService(service, manner)))
    if (withLog) steps.push(...(await cancelLog(deployment, manner)))
    return steps
  })
}
