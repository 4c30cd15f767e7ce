import type { Client } from 'pg'
import { openSession, type PostgresTarget, type SessionOptions } from './session.ts'

/** Runs an action in a session; `withSession` opens one for each, and closes it. */
export type UseSession = <Result>(
  target: PostgresTarget,
  options: SessionOptions,
  action: (client: Client) => Promise<Result>,
) => Promise<Result>

/** Sessions that stay open for whoever looks again and again. */
export interface KeptSessions {
  /** One session a database, for one action after the other. What fails in it is not used again. */
  readonly use: UseSession
  readonly end: () => Promise<void>
}

export function keepSessions(): KeptSessions {
  const open = new Map<string, Client>()
  return {
    use: async (target, options, action) => {
      const client = open.get(target.url) ?? (await openKept(open, target, options))
      try {
        return await action(client)
      } catch (error) {
        open.delete(target.url)
        await client.end().catch(() => undefined)
        throw error
      }
    },
    end: async () => {
      const clients = [...open.values()]
      open.clear()
      await Promise.all(clients.map(async (client) => await client.end().catch(() => undefined)))
    },
  }
}

async function openKept(open: Map<string, Client>, target: PostgresTarget, options: SessionOptions): Promise<Client> {
  const client = await openSession(target, options)
  open.set(target.url, client)
  // The server has ended it: the next one who looks opens another, and has nothing to tell.
  client.once('end', () => {
    if (open.get(target.url) === client) open.delete(target.url)
  })
  return client
}
