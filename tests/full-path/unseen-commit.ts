import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import * as assert from 'uvu/assert'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { withRestartablePostgres } from '../restartable-postgres.ts'

/** A commit whose record is written and flushed, and which no snapshot shows until it is let go. */
export interface UnseenCommit {
  readonly pid: string
  /** 64 bits wide. */
  readonly xid: bigint
  /** Behind its commit record. */
  readonly behind: Lsn
  readonly show: () => Promise<void>
}

/** A server of one's own where `commitUnseen` waits for a standby that never comes, and nobody else does. */
export async function withLackingStandby<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  return await withRestartablePostgres(async ({ url }) => {
    await runSql(url, [
      'ALTER DATABASE postgres SET synchronous_commit = local',
      `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`,
      'SELECT pg_reload_conf()',
    ])
    return await use(url)
  })
}

/**
 * Returns when the transaction waits in its commit: its record is flushed by then, and snapshots show it only when the wait is
 * over. Manual: "Synchronous Replication".
 */
export async function commitUnseen(url: string, statements: readonly string[]): Promise<UnseenCommit> {
  const client = new Client({ connectionString: url })
  // Where a test fails first the server ends, and this session with it.
  client.on('error', () => undefined)
  await client.connect()
  for (const statement of ['SET synchronous_commit = on', 'BEGIN', ...statements]) await client.query(statement)
  const { rows } = await client.query<{ pid: string; xid: string }>(
    'SELECT pg_backend_pid()::text AS pid, pg_current_xact_id()::text AS xid',
  )
  const [{ pid, xid } = { pid: '', xid: '' }] = rows
  const committed = client.query('COMMIT')
  committed.catch(() => undefined)
  return {
    pid,
    xid: BigInt(xid),
    behind: await untilWaiting(url, pid),
    show: async () => {
      // It ends the wait, and not what is committed.
      await runSql(url, [`SELECT pg_cancel_backend(${pid})`])
      await committed
      await client.end()
    },
  }
}

async function untilWaiting(url: string, pid: string): Promise<Lsn> {
  return await withClient(url, async (client) => {
    for (const deadline = Date.now() + 20_000; ; await sleep(20)) {
      const { rows } = await client.query<{ behind: string }>(
        `SELECT pg_current_wal_insert_lsn()::text AS behind FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'`,
        [pid],
      )
      if (rows[0] !== undefined) return parseLsn(rows[0].behind)
      assert.ok(Date.now() < deadline, 'the commit waits')
    }
  })
}

/** Returns when a session of this purpose waits for that transaction's end. */
export async function untilBlocked(url: string, purpose: string, by: UnseenCommit): Promise<void> {
  // One session looks as often as it takes: to open one costs the server more than to look.
  await withClient(url, async (client) => {
    for (const deadline = Date.now() + 20_000; (await countSessions(client, purpose, by)) === 0; await sleep(20))
      assert.ok(Date.now() < deadline, `${purpose} waits for the commit`)
  })
}

/** How many sessions of this purpose there are. */
export async function sessionsFor(url: string, purpose: string): Promise<number> {
  return await withClient(url, async (client) => await countSessions(client, purpose))
}

/** @param by counts those alone that wait for that transaction's end. */
async function countSessions(client: Client, purpose: string, by?: UnseenCommit): Promise<number> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_stat_activity
      WHERE application_name LIKE $1 AND ($2::int IS NULL OR $2::int = ANY (pg_blocking_pids(pid)))`,
    [`scission ${purpose} %`, by?.pid ?? null],
  )
  return rowCount ?? 0
}
