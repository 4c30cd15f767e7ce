import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { Failure } from '../../../contracts/failure.ts'
import { quoteIdentifier, quoteLiteral } from '../../../contracts/language/quoting.ts'
import { type Lsn, parseLsn } from '../../../contracts/positions.ts'
import { backendPid, endBackend } from '../../postgres/backend.ts'
import { openSession, type PostgresTarget } from '../../postgres/session.ts'
import { blockerText, readWaits } from '../../postgres/waits.ts'
import { withStoppableSession } from '../stoppable-session.ts'

/** One point of the monolith's WAL, and a snapshot that shows just the commits whose records begin before it. */
export interface MonolithPoint {
  readonly point: Lsn
  readonly snapshot: string
}

/** The making of a slot waits for the transactions that are open in the server. */
const SLOT_LIMIT_MS = 25_000

/**
 * Runs an action with a point of the monolith, which its snapshot outlives no longer than the action. The slot is
 * temporary, and keeps no WAL longer than its session. Manual: "CREATE_REPLICATION_SLOT".
 * @throws Failure 5 where transactions that are open in the monolith do not end in time.
 */
export async function withMonolithPoint<Result>(
  monolith: PostgresTarget,
  name: string,
  signal: AbortSignal | undefined,
  action: (point: MonolithPoint) => Promise<Result>,
  limitMs = SLOT_LIMIT_MS,
): Promise<Result> {
  const client = await openSession(monolith, { purpose: 'verify point', replication: true, ...(signal && { signal }) })
  let waiting: string | null = null
  try {
    const pid = await backendPid(client)
    waiting = pid
    const created = client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT`,
    )
    created.catch(() => undefined)
    const late = delay(limitMs, null, { ref: false })
    const row = (await Promise.race([created, late]))?.rows[0]
    if (row === undefined) throw await openTransactions(monolith, signal, { pid, limitMs })
    waiting = null
    return await action({ point: parseLsn(row.consistent_point), snapshot: row.snapshot_name })
  } finally {
    client.connection.stream.destroy()
    await client.end().catch(() => undefined)
    // With nobody there the server would go on waiting for others, with a slot and the WAL that it holds.
    if (waiting !== null) await endBackend(monolith, waiting).catch(() => undefined)
  }
}

/** A session that sees the monolith as of its point. */
export async function withMonolithSnapshot<Result>(
  monolith: PostgresTarget,
  snapshot: string,
  signal: AbortSignal | undefined,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  return await withStoppableSession(monolith, 'verify monolith', signal, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
    return await action(client)
  })
}

/** Says whose end the slot waits for now. */
async function openTransactions(
  monolith: PostgresTarget,
  signal: AbortSignal | undefined,
  { pid, limitMs }: { readonly pid: string; readonly limitMs: number },
): Promise<Failure> {
  const [wait] = await withStoppableSession(
    monolith,
    'verify waits',
    signal,
    async (client) => await readWaits(client, [pid]),
  )
  const whose = wait === undefined ? '' : `, at the moment that of ${blockerText(wait)}`
  return new Failure(
    5,
    `One point of the monolith can be taken only when the transactions that are open in it have ended, and in ${limitMs / 1000} s they have not${whose}: let them end (pg_stat_activity, pg_prepared_xacts), then run verify again.`,
  )
}
