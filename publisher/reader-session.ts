import type pg from 'pg'
import { withSession } from '../infra/postgres/session.ts'
import { backendPid } from '../infra/postgres/backend.ts'
import type { Run } from './run.ts'

/**
 * Runs an action in a session that reads tables: it waits for a lock for as long as an outage may last, says for whom,
 * and ends with the run.
 * @param role for example `reader 1`.
 */
export async function withReaderSession<Result>(
  { dependencies, options, signal, watch }: Run,
  role: string,
  action: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  return await withSession(dependencies.monolith, { purpose: `publish ${role}`, signal }, async (client) => {
    const forget = watch.add(await backendPid(client), `Publish's ${role}`)
    try {
      await client.query(`SET lock_timeout = ${options.maxOutageMs}`)
      return await action(client)
    } finally {
      forget()
    }
  })
}
