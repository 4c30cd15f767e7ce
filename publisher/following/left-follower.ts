import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../contracts/failure.ts'
import { endBackend } from '../../infra/postgres/backend.ts'
import type { Run } from '../run.ts'
import { readSlot } from '../slot.ts'
import { FOLLOW_SESSION } from './replication-stream.ts'

/** How long a session that was ended may take to leave its slot. */
const LEAVE_TRIES = 100
const LEAVE_TRY_MS = 100

/**
 * Ends the session by which an earlier publisher followed, where the server has not seen yet that it is gone: the
 * publisher's lock is ours, so nobody uses it.
 * @throws Failure 4 where somebody else reads the slot, 5 where that session does not end.
 */
export async function endLeftFollower({ control, dependencies, signal }: Run, slot: string): Promise<void> {
  let state = await readSlot(control, slot)
  if (state?.activePid == null) return
  if (state.activeApplication?.startsWith(`scission ${FOLLOW_SESSION} `) !== true)
    throw new Failure(
      4,
      `Slot ${slot} is in use by PostgreSQL process ${state.activePid} (${state.activeApplication ?? 'unknown'}): end it, then run publish again.`,
    )
  await endBackend(dependencies.monolith, state.activePid)
  for (let tries = 0; state?.activePid != null; tries += 1) {
    if (tries === LEAVE_TRIES)
      throw new Failure(
        5,
        `Slot ${slot} is still in use by PostgreSQL process ${state.activePid}, which was ended: wait, then run publish again.`,
      )
    await delay(LEAVE_TRY_MS, undefined, { signal })
    state = await readSlot(control, slot)
  }
}
