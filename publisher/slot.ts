import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { SlotRetention } from './events.ts'

/** What PostgreSQL says of a replication slot. Manual: "pg_replication_slots". */
export interface SlotState extends SlotRetention {
  /** Whether it is a logical slot of this very database with our plugin: slots have one name for the whole server. */
  readonly ours: boolean
  readonly activePid: string | null
  /** The name that the process which has the slot gave itself. */
  readonly activeApplication: string | null
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string
}

/** For which log, and for which epoch of it, a slot was made. */
export interface SlotRecord {
  readonly log: string
  readonly epoch: number
}

export async function readSlot(client: pg.Client, name: string): Promise<SlotState | null> {
  const { rows } = await client.query<
    Record<'active_pid' | 'application_name' | 'wal_status' | 'retained' | 'safe_wal_size' | 'ours', string | null>
  >(
    `SELECT slot.active_pid::text, activity.application_name, slot.wal_status, slot.safe_wal_size::text,
            slot.plugin = 'pgoutput' AND slot.database = current_database() AS ours,
            pg_wal_lsn_diff(pg_current_wal_lsn(), slot.restart_lsn)::bigint::text AS retained
       FROM pg_replication_slots AS slot LEFT JOIN pg_stat_activity AS activity ON activity.pid = slot.active_pid
      WHERE slot.slot_name = $1`,
    [name],
  )
  const slot = rows[0]
  if (slot === undefined) return null
  return {
    name,
    ours: slot.ours === 't',
    activePid: slot.active_pid,
    activeApplication: slot.application_name,
    walStatus: slot.wal_status ?? 'reserved',
    retainedBytes: Number(slot.retained ?? 0),
    safeBytes: slot.safe_wal_size === null ? null : Number(slot.safe_wal_size),
  }
}

/**
 * Puts on record that this log's publisher is about to create the slot, so that a slot left by a crash between its
 * creation and the log's first message is known as ours, and one that was replaced for a new epoch is not taken for the
 * former epoch's.
 */
export async function recordSlot(client: pg.Client, prefix: string, slot: string, record: SlotRecord): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS scission.slot
       (prefix text PRIMARY KEY, slot text NOT NULL, log text NOT NULL, epoch bigint NOT NULL)`,
  )
  await client.query(
    `INSERT INTO scission.slot (prefix, slot, log, epoch) VALUES ($1, $2, $3, $4)
     ON CONFLICT (prefix) DO UPDATE SET slot = excluded.slot, log = excluded.log, epoch = excluded.epoch`,
    [prefix, slot, record.log, record.epoch],
  )
}

/** For what the slot was put on record last; null where nothing is. */
export async function readSlotRecord(client: pg.Client, prefix: string, slot: string): Promise<SlotRecord | null> {
  const known = await client.query<{ found: string | null }>("SELECT to_regclass('scission.slot')::text AS found")
  if (known.rows[0]?.found == null) return null
  const { rows } = await client.query<{ log: string; epoch: string }>(
    'SELECT log, epoch::text FROM scission.slot WHERE prefix = $1 AND slot = $2',
    [prefix, slot],
  )
  return rows[0] === undefined ? null : { log: rows[0].log, epoch: Number(rows[0].epoch) }
}

/**
 * Whether a slot that stands in the way of a new one may be dropped: one that a crash left before the log knew it, or the
 * one of the epoch that `--new-epoch` ends.
 * @throws Failure 4 where it is in use, or may belong to another log.
 */
export function assertDroppable(slot: SlotState, record: SlotRecord | null, log: string, newEpoch: boolean): void {
  if (!slot.ours)
    throw new Failure(
      4,
      `Slot ${slot.name} exists and is of another database or another plugin: give this deployment a SCISSION_PREFIX of its own, or drop that slot if nobody needs it.`,
    )
  if (slot.activePid !== null)
    throw new Failure(
      4,
      `Slot ${slot.name} is in use by PostgreSQL process ${slot.activePid}: end that publisher first.`,
    )
  if (record?.log !== log && !newEpoch)
    throw new Failure(
      4,
      `Slot ${slot.name} exists and this log does not know it: if it is left over, begin anew with --new-epoch; if another deployment uses it, give this one a SCISSION_PREFIX of its own.`,
    )
}

/**
 * @throws Failure 4 where the slot was replaced for a later epoch, whose first message then never came: what was written
 * between the two is in no log.
 */
export function assertNotReplaced(name: string, record: SlotRecord | null, epoch: number): void {
  if (record === null || record.epoch <= epoch) return
  throw new Failure(
    4,
    `Slot ${name} was replaced for epoch ${record.epoch}, which did not begin, so that changes after epoch ${epoch} may be missing: begin anew with --new-epoch.`,
  )
}

/**
 * Whether the slot can deliver what an epoch's snapshot does not show.
 * @throws Failure 4 where it was replaced, is gone, or is lost.
 */
export function assertFollowable(name: string, slot: SlotState | null, record: SlotRecord | null, epoch: number): void {
  assertNotReplaced(name, record, epoch)
  const state = unfollowable(slot)
  if (state !== null) throw new Failure(4, `Slot ${name} is ${state}: begin anew with --new-epoch.`)
}

function unfollowable(slot: SlotState | null): string | null {
  if (slot === null) return 'gone'
  if (slot.walStatus === 'lost') return 'lost (PostgreSQL removed the WAL that it needs, by max_slot_wal_keep_size)'
  return slot.ours ? null : 'of another database or another plugin'
}

export async function dropSlot(client: pg.Client, name: string): Promise<void> {
  await client.query('SELECT pg_drop_replication_slot($1)', [name])
}
