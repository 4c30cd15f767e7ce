import { type Age, createLogLagReader, type ReadLogLag } from './log-lag.ts'
import { slotName } from '../prepare/names.ts'
import type { UseSession } from '../postgres/kept-sessions.ts'
import { type PostgresTarget, withSession } from '../postgres/session.ts'

/** How the log stands to the monolith. */
export interface MonolithStanding {
  /** Where the monolith's WAL is now. */
  readonly position: string
  /** Null where there is none, as after `publish --no-slot`. */
  readonly slot: SlotStanding | null
  /** How old its oldest change is that is not in the log. */
  readonly lag: Age
  /** By its clock, in milliseconds since 1970: commits are told by it. */
  readonly nowMs: number
}

/** Manual: "pg_replication_slots". */
export interface SlotStanding {
  readonly name: string
  /** Whether a publisher follows. */
  readonly isFollowed: boolean
  /** Up to here everything is in the log, and synced. */
  readonly confirmed: string
  /** WAL behind that: what a publisher has still to send, or its broker to sync. */
  readonly behindBytes: number
  /** WAL that the monolith keeps for the slot. */
  readonly retainedBytes: number
  /** What may still be written before PostgreSQL gives the slot up; null where nothing limits it. */
  readonly safeBytes: number | null
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string
}

/** What whoever looks again and again keeps between two looks. */
export interface LookingOn {
  readonly readLogLag: ReadLogLag
  readonly use: UseSession
}

export async function readMonolithStanding(
  monolith: PostgresTarget,
  prefix: string,
  { readLogLag, use }: LookingOn = { readLogLag: createLogLagReader(prefix), use: withSession },
): Promise<MonolithStanding> {
  return await use(monolith, { purpose: 'lag' }, async (client) => {
    // Before the clock is read, since it may take a while.
    const lag = await readLogLag(client)
    const { rows } = await client.query<Record<string, string | null>>(
      `SELECT now.lsn::text AS position, slot.active, slot.confirmed_flush_lsn::text AS confirmed, slot.wal_status,
              pg_wal_lsn_diff(now.lsn, slot.confirmed_flush_lsn)::bigint::text AS behind,
              pg_wal_lsn_diff(now.lsn, slot.restart_lsn)::bigint::text AS retained, slot.safe_wal_size::text AS safe,
              (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS ms
         FROM (SELECT pg_current_wal_lsn() AS lsn) AS now
              LEFT JOIN pg_replication_slots AS slot ON slot.slot_name = $1 AND slot.database = current_database()`,
      [slotName(prefix)],
    )
    const row = rows[0] ?? {}
    return { position: row['position'] ?? '', slot: slotOf(slotName(prefix), row), lag, nowMs: Number(row['ms']) }
  })
}

function slotOf(name: string, row: Readonly<Record<string, string | null>>): SlotStanding | null {
  if (row['confirmed'] == null) return null
  return {
    name,
    isFollowed: row['active'] === 't',
    confirmed: row['confirmed'],
    behindBytes: Math.max(0, Number(row['behind'])),
    retainedBytes: Math.max(0, Number(row['retained'])),
    safeBytes: row['safe'] == null ? null : Number(row['safe']),
    walStatus: row['wal_status'] ?? 'reserved',
  }
}
