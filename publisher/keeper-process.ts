import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { parseLsn } from '../contracts/positions.ts'
import { keeperPurpose } from '../infra/postgres/keeper-sessions.ts'
import { openSession, withSession } from '../infra/postgres/session.ts'
import { publisherLockName } from '../infra/prepare/names.ts'
import { createKeeperTable, recordKeeper } from './keeper-record.ts'
import { KEPT, type KeeperOrder } from './keeper-order.ts'
import { beginWithSnapshot } from './snapshot-source.ts'

/**
 * The keeper: a process that holds a snapshot of the monolith for publishers that come and go. It ends with its session,
 * which a publisher, `cancel` or the server ends, or by itself when it has seen no publisher for a while. See
 * docs/decisions/0007-keeper.md.
 */

/** Often enough to see a publisher that runs for a moment, and nothing to the server. */
const LONGEST_LOOK_MS = 5_000

/** Looks at least so often in the time after which it leaves. */
const LEAST_LOOKS = 5

async function keep({ monolith, prefix, snapshot, leaveAfterMs }: KeeperOrder): Promise<void> {
  const client = await openSession(monolith, { purpose: keeperPurpose(prefix) })
  // Without its session there is nothing left to keep.
  client.on('end', () => process.exit())
  const { name, pid } = await holdAgain(client, snapshot.name)
  const consistencyPoint = parseLsn(snapshot.consistencyPoint)
  await withSession(monolith, { purpose: `${keeperPurpose(prefix)} record` }, async (session) => {
    await createKeeperTable(session)
    if (!(await recordKeeper(session, prefix, { ...snapshot, name, consistencyPoint, pid }))) process.exit()
  })
  process.stdout.write(KEPT)
  await stayWhileNeeded(client, prefix, leaveAfterMs)
  await client.end()
}

async function holdAgain(
  client: pg.Client,
  snapshot: string,
): Promise<{ readonly name: string; readonly pid: string }> {
  await beginWithSnapshot(client, snapshot)
  const { rows } = await client.query<{ name: string; pid: string }>(
    'SELECT pg_export_snapshot() AS name, pg_backend_pid()::text AS pid',
  )
  if (rows[0] === undefined) throw new Error('pg_export_snapshot returned no row')
  return rows[0]
}

async function stayWhileNeeded(client: pg.Client, prefix: string, leaveAfterMs: number): Promise<void> {
  const lookMs = Math.min(LONGEST_LOOK_MS, leaveAfterMs / LEAST_LOOKS)
  let seenAt = Date.now()
  while (Date.now() - seenAt < leaveAfterMs) {
    await delay(lookMs)
    if (await isPublisherThere(client, prefix)) seenAt = Date.now()
  }
}

/**
 * The function and not the view of locks: this transaction lasts, and would hold a lock on the view. Whoever looks at the
 * slot shares the publisher's lock meanwhile, and is none.
 */
async function isPublisherThere(client: pg.Client, prefix: string): Promise<boolean> {
  const { rows } = await client.query<{ there: string }>(
    `SELECT EXISTS (
       SELECT FROM pg_lock_status() AS lock, hashtextextended($1, 0) AS key
        WHERE lock.locktype = 'advisory' AND lock.mode = 'ExclusiveLock' AND lock.granted AND lock.objsubid = 1
          AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND lock.classid = ((key >> 32) & 4294967295)::oid AND lock.objid = (key & 4294967295)::oid) AS there`,
    [publisherLockName(prefix)],
  )
  return rows[0]?.there === 't'
}

const order = await text(process.stdin)
try {
  // The publisher of the same release wrote it; one that died before it had a snapshot wrote nothing.
  if (order !== '') await keep(JSON.parse(order) as KeeperOrder)
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error))
}
process.exit()
