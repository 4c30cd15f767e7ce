import type pg from 'pg'
import { type Lsn, lsnText, parseLsn } from '../contracts/positions.ts'

/** A snapshot of the monolith that a session holds, and what it was taken for. */
export interface HeldSnapshot {
  /** For `SET TRANSACTION SNAPSHOT`. */
  readonly name: string
  /** `pg_current_snapshot()`. */
  readonly visible: string
  readonly consistencyPoint: Lsn
  /** The log and the epoch that are read under it. */
  readonly log: string
  readonly epoch: number
}

/** What is on record of a keeper that lives. */
export interface KeeperRecord extends HeldSnapshot {
  /** The keeper's process in the server. */
  readonly pid: string
}

/** Makes the keeper's table, and the schema where no slot needed one. `cancel` removes both. */
export async function createKeeperTable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ found: string | null; schema: string | null }>(
    "SELECT to_regclass('scission.keeper')::text AS found, to_regnamespace('scission')::text AS schema",
  )
  if (rows[0]?.found != null) return
  // A role of least privilege may make tables in the schema, and no schema, not even one that is there already.
  if (rows[0]?.schema == null) await client.query('CREATE SCHEMA IF NOT EXISTS scission')
  await client.query(
    `CREATE TABLE IF NOT EXISTS scission.keeper
       (prefix text PRIMARY KEY, log text NOT NULL, epoch bigint NOT NULL, snapshot text NOT NULL,
        visible text NOT NULL, consistency_point pg_lsn NOT NULL, pid int NOT NULL, backend_start timestamptz NOT NULL)`,
  )
}

/**
 * Puts a keeper on record, unless its session is gone already: whoever ended it has another one.
 * @returns whether it is on record.
 */
export async function recordKeeper(client: pg.Client, prefix: string, record: KeeperRecord): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO scission.keeper (prefix, log, epoch, snapshot, visible, consistency_point, pid, backend_start)
     SELECT $1, $2, $3, $4, $5, $6, pid, backend_start FROM pg_stat_activity WHERE pid = $7::int
     ON CONFLICT (prefix) DO UPDATE SET log = excluded.log, epoch = excluded.epoch, snapshot = excluded.snapshot,
       visible = excluded.visible, consistency_point = excluded.consistency_point, pid = excluded.pid,
       backend_start = excluded.backend_start`,
    [prefix, record.log, record.epoch, record.name, record.visible, lsnText(record.consistencyPoint), record.pid],
  )
  return rowCount === 1
}

/** The keeper that is on record, where its session is there: a process's number alone may be another one's by now. */
export async function readKeeperRecord(client: pg.Client, prefix: string): Promise<KeeperRecord | null> {
  const known = await client.query<{ found: string | null }>("SELECT to_regclass('scission.keeper')::text AS found")
  if (known.rows[0]?.found == null) return null
  const { rows } = await client.query<
    Record<'log' | 'epoch' | 'snapshot' | 'visible' | 'consistency_point' | 'pid', string>
  >(
    `SELECT log, epoch::text, snapshot, visible, consistency_point::text, pid::text
       FROM scission.keeper JOIN pg_stat_activity USING (pid, backend_start) WHERE prefix = $1`,
    [prefix],
  )
  const row = rows[0]
  if (row === undefined) return null
  const { log, visible, pid } = row
  return {
    name: row.snapshot,
    visible,
    consistencyPoint: parseLsn(row.consistency_point),
    log,
    epoch: Number(row.epoch),
    pid,
  }
}
