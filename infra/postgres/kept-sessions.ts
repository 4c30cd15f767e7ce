import type { Client } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { openSession, type PostgresTarget, type SessionOptions } from './session.ts'

/** Runs an action in a session; `withSession` opens one for each, and closes it. */
export type UseSession = <Result>(
  target: PostgresTarget,
  options: SessionOptions,
  action: (client: Client) => Promise<Result>,
) => Promise<Result>

/** Sessions that stay open for whoever looks again and again. */
export interface KeptSessions {
  /**
   * One session a database. What fails in it is not used again.
   * @throws Failure 5 where the server lets nobody in, or does not answer, for a while: a look is not worth more.
   */
  readonly use: UseSession
  readonly end: () => Promise<void>
}

/** A host that is gone says nothing at all, and the kernel goes on sending to it for a quarter of an hour. */
const ANSWER_LIMIT_MS = 4_000

export function keepSessions(limitMs = ANSWER_LIMIT_MS): KeptSessions {
  const open = new Map<string, Client>()
  return {
    use: async (target, options, action) =>
      await withinLimit(limitMs, target, async (late) => {
        const client = open.get(target.url) ?? (await openKept(open, target, { ...options, signal: late }))
        // A query that waits for ever ends with its connection alone.
        const giveUp = (): void => void client.connection.stream.destroy()
        late.addEventListener('abort', giveUp, { once: true })
        try {
          return await action(client)
        } catch (error) {
          open.delete(target.url)
          await client.end().catch(() => undefined)
          throw error
        } finally {
          late.removeEventListener('abort', giveUp)
        }
      }),
    end: async () => {
      const clients = [...open.values()]
      open.clear()
      await Promise.all(clients.map(async (client) => await client.end().catch(() => undefined)))
    },
  }
}

async function withinLimit<Result>(
  limitMs: number,
  { title }: PostgresTarget,
  action: (late: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), limitMs)
  try {
    return await action(late.signal)
  } catch (cause) {
    if (!late.signal.aborted) throw cause
    throw new Failure(
      5,
      `${title.charAt(0).toUpperCase()}${title.slice(1)} has not answered for ${limitMs / 1_000} s: see that its server runs and can be reached, and that nobody has locked the schema scission.`,
      { cause },
    )
  } finally {
    clearTimeout(timer)
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
