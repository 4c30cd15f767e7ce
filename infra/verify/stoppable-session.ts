import type { Client } from 'pg'
import { type PostgresTarget, withSession } from '../postgres/session.ts'
import { sessionFailure } from '../postgres/session-failure.ts'

/** How a sentence about a failure ends: nothing was changed, so there is nothing to mend first. */
export const WAY_OUT = 'run verify again'

/**
 * Runs an action in a pinned session that an abort ends at once, its running statement included.
 * @throws the signal's reason after an abort, and in an operator's words what the driver throws.
 */
export async function withStoppableSession<Result>(
  target: PostgresTarget,
  purpose: string,
  signal: AbortSignal | undefined,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await withSession(target, { purpose, ...(signal ? { signal } : {}) }, action)
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFailure(target, error, WAY_OUT)
  }
}
