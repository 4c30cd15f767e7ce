import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { SlotRetention } from './events.ts'

/** What PostgreSQL says of a replication slot. Manual: "pg_replication_slots". */
export interface SlotState extends SlotRetention {
  readonly activePid: string | null
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string
}

export async function readSlot(client: pg.Client, name: string): Promise<SlotState | null> {
  const { rows } = await client.query<
    Record<'active_pid' | 'wal_status' | 'retained' | 'safe_wal_size', string | null>
  >(
    `SELECT active_pid::text, wal_status, safe_wal_size::text,
            pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint::text AS retained
       FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  )
  const slot = rows[0]
  if (slot === undefined) return null
  return {
    name,
    activePid: slot.active_pid,
    walStatus: slot.wal_status ?? 'reserved',
    retainedBytes: Number(slot.retained ?? 0),
    safeBytes: slot.safe_wal_size === null ? null : Number(slot.safe_wal_size),
  }
}

/**
 * Puts on record that this log's publisher is about to create the slot, so that a slot left by a crash between its
 * creation and the log's first message is known as ours. The schema is made by `prepare`.
 * @throws Failure 4 where `prepare` has not run.
 */
export async function recordSlot(client: pg.Client, prefix: string, slot: string, log: string): Promise<void> {
  const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = 'scission'")
  if (rows.length === 0)
    throw new Failure(4, 'The monolith is not prepared for a slot: run prepare first, or publish with --no-slot.')
  await client.query(
    'CREATE TABLE IF NOT EXISTS scission.slot (prefix text PRIMARY KEY, slot text NOT NULL, log text NOT NULL)',
  )
  await client.query(
    `INSERT INTO scission.slot (prefix, slot, log) VALUES ($1, $2, $3)
     ON CONFLICT (prefix) DO UPDATE SET slot = excluded.slot, log = excluded.log`,
    [prefix, slot, log],
  )
}

/** The log for which the slot was put on record; null where nothing is. */
export async function recordedLog(client: pg.Client, prefix: string, slot: string): Promise<string | null> {
  const known = await client.query<{ found: string | null }>("SELECT to_regclass('scission.slot')::text AS found")
  if (known.rows[0]?.found == null) return null
  const { rows } = await client.query<{ log: string }>(
    'SELECT log FROM scission.slot WHERE prefix = $1 AND slot = $2',
    [prefix, slot],
  )
  return rows[0]?.log ?? null
}

/**
 * Whether a slot that stands in the way of a new one may be dropped: one that a crash left before the log knew it, or the
 * one of the epoch that `--new-epoch` ends.
 * @throws Failure 4 where it is in use, or may belong to another log.
 */
export function assertDroppable(slot: SlotState, recorded: string | null, log: string, newEpoch: boolean): void {
  if (slot.activePid !== null)
    throw new Failure(
      4,
      `Slot ${slot.name} is in use by PostgreSQL process ${slot.activePid}: end that publisher first.`,
    )
  if (recorded !== log && !newEpoch)
    throw new Failure(
      4,
      `Slot ${slot.name} exists and this log does not know it: if it is left over, begin anew with --new-epoch; if another deployment uses it, give this one a SCISSION_PREFIX of its own.`,
    )
}

export async function dropSlot(client: pg.Client, name: string): Promise<void> {
  await client.query('SELECT pg_drop_replication_slot($1)', [name])
}
