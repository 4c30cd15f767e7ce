import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../contracts/failure.ts'
import type { Run } from './run.ts'

const LOOK_MS = 100

/**
 * Waits until every transaction has ended that may be writing its commit now: it may be in the log already and not yet
 * visible, so that a snapshot would not show it, and nobody would apply it to a table that is read anew. One that merely
 * is open has written no commit; but of other roles' sessions that shows with pg_read_all_stats alone, so that without it
 * all that have written are waited for. Manual: "pg_stat_activity", "Predefined Roles".
 * @throws Failure 5 where that takes longer than an outage may last.
 */
export async function awaitFinished({ control, options, report, signal }: Run): Promise<void> {
  const deadline = Date.now() + options.maxOutageMs
  let open = await readCommitting(control)
  for (let looks = 0; open.length > 0; looks += 1) {
    if (looks === 10)
      report({
        type: 'notice',
        text: `The new snapshot waits for transactions that are at work (PostgreSQL processes ${open.map(({ pid }) => pid).join(', ')}).`,
      })
    if (Date.now() > deadline)
      throw new Failure(
        5,
        `PostgreSQL process ${open[0]?.pid} has been at work in one transaction for ${options.maxOutageMs / 1000} s, or idle in one which pg_read_all_stats would show, and a new snapshot must wait for it: let it end, then run publish again.`,
      )
    await delay(LOOK_MS, undefined, { signal })
    const still = new Set((await readCommitting(control)).map(({ name }) => name))
    open = open.filter(({ name }) => still.has(name))
  }
}

interface Committing {
  readonly pid: string
  /** The process and its transaction, or its statement where that ends a prepared one. */
  readonly name: string
}

async function readCommitting(control: Run['control']): Promise<Committing[]> {
  const { rows } = await control.query<Committing & Record<string, string>>(
    `SELECT pid::text, pid || '/' || coalesce(backend_xid::text, query_start::text) AS name FROM pg_stat_activity
      WHERE (state IS NULL OR state IN ('active', 'fastpath function call'))
        AND pid <> pg_backend_pid() AND datname = current_database()
        AND (backend_xid IS NOT NULL OR query ~* '^\\s*commit\\s+prepared')`,
  )
  return rows
}
