import type { Client } from 'pg'
import { openSession, type PostgresTarget } from '../postgres/session.ts'
import { sessionFailure } from '../postgres/session-failure.ts'

/** How a sentence about a failure ends: nothing was changed, so there is nothing to mend first. */
const WAY_OUT = 'run backup again'

/**
 * Opens as many pinned sessions for as long as `use` takes; an abort ends them at once, their statements included.
 * @throws the signal's reason after an abort, and in an operator's words what the driver throws.
 */
export async function withSessions<Result>(
  target: PostgresTarget,
  count: number,
  signal: AbortSignal,
  use: (clients: readonly [Client, ...Client[]]) => Promise<Result>,
): Promise<Result> {
  const clients: Client[] = []
  const open = async (): Promise<Client> => {
    const client = await openSession(target, { purpose: 'backup', signal })
    clients.push(client)
    return client
  }
  try {
    const first = await open()
    while (clients.length < count) await open()
    return await use([first, ...clients.slice(1)])
  } catch (error) {
    signal.throwIfAborted()
    throw sessionFailure(target, error, WAY_OUT)
  } finally {
    await Promise.all(clients.map(async (client) => await client.end().catch(() => undefined)))
  }
}
