import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../contracts/failure.ts'
import { slotName } from '../infra/prepare/names.ts'
import { type LogState, type MonolithIdentity, type PublicationWishes, settlingMs } from './decide-publication.ts'
import { logIdentity } from './open-source.ts'
import { logReadingOf } from './plan-readings.ts'
import { readLogState } from './read-log-state.ts'
import type { Run } from './run.ts'
import { readSlotRecord } from './slot.ts'

/** A log that goes on growing has another writer: one of another monolith, since the lock is ours. */
const SETTLE_TRIES = 60

/**
 * What the logs hold, once nothing of a former publisher is on its way to them any more.
 * @throws Failure 4 where somebody else writes to them.
 */
export async function readSettledLogs(run: Run): Promise<LogState[]> {
  for (let tries = 1; tries <= SETTLE_TRIES; tries += 1) {
    const logs = await readLogs(run)
    const waitMs = settlingMs(logs, run.options.follow !== undefined)
    if (waitMs === 0) return logs
    await delay(waitMs, undefined, { signal: run.signal })
  }
  throw new Failure(
    4,
    `The log of ${run.dependencies.prefix} goes on growing: another publisher writes to it, from another monolith; give one of the two a SCISSION_PREFIX of its own.`,
  )
}

async function readLogs(run: Run): Promise<LogState[]> {
  const reading = logReadingOf(run)
  return await Promise.all(run.dependencies.set.services.map(async ({ name }) => await readLogState(reading, name)))
}

/** What decides beside the logs what a run of `publish` has to do. */
export async function readWishes(
  run: Run,
  logs: readonly LogState[],
  monolith: MonolithIdentity,
): Promise<PublicationWishes> {
  const { dependencies, former, options } = run
  const { withSlot } = options
  const { services } = dependencies.set
  const entities = new Map(services.map((service) => [service.name, service.entities.map(({ name }) => name)]))
  // The new epoch that a former run began is the one that was wished.
  const newEpoch = options.newEpoch && !logs.some(({ epoch }) => epoch === former.epoch)
  return { newEpoch, withSlot, monolith, entities, lostEpoch: await readLostEpoch(run, logs) }
}

/**
 * The last epoch of a log that the broker has not any more, or of which it has lost the end. Services know it: one of its
 * number would be taken for another deployment's.
 */
async function readLostEpoch(run: Run, logs: readonly LogState[]): Promise<number> {
  const { control, dependencies } = run
  const record = await readSlotRecord(control, dependencies.prefix, slotName(dependencies.prefix))
  if (record === null) return 0
  const isLost = logs.some((log) => log.epoch === 0 && log.missing !== null) || record.log !== (await logIdentity(run))
  return isLost ? record.epoch : 0
}
