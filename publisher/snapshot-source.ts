import type pg from 'pg'
import { type Lsn, parseLsn } from '../contracts/positions.ts'
import { quoteIdentifier, quoteLiteral } from '../contracts/language/quoting.ts'
import { openSession, type PostgresTarget, withSession } from '../infra/postgres/session.ts'

/** One consistent snapshot of the monolith that other sessions can import while this holds it. */
export interface SnapshotSource {
  /** For `SET TRANSACTION SNAPSHOT`. */
  readonly name: string
  /** `pg_current_snapshot()`: which transactions the snapshot shows. */
  readonly visible: string
  /** From this position on, the snapshot and the changes after it are exact together. */
  readonly consistencyPoint: Lsn
  release(): Promise<void>
}

/**
 * Creates the slot and takes the snapshot that it exports: what the snapshot does not show, the slot will deliver. The
 * snapshot lives as long as this connection runs no other command. Manual: "CREATE_REPLICATION_SLOT".
 */
export async function createSlotWithSnapshot(monolith: PostgresTarget, slot: string): Promise<SnapshotSource> {
  const client = await openSession(monolith, { purpose: 'publish slot', replication: true })
  try {
    const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoteIdentifier(slot)} LOGICAL pgoutput (SNAPSHOT 'export')`,
    )
    const created = rows[0]
    if (created === undefined) throw new Error('CREATE_REPLICATION_SLOT returned no row')
    return {
      name: created.snapshot_name,
      visible: await visibleIn(monolith, created.snapshot_name),
      consistencyPoint: parseLsn(created.consistent_point),
      release: async () => await client.end(),
    }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/**
 * Takes a snapshot in an ordinary transaction, for an epoch without a slot, and for a new attempt in an epoch whose slot
 * is older. The position is read after the snapshot, so that every commit it shows lies before it.
 */
export async function exportSnapshot(monolith: PostgresTarget): Promise<SnapshotSource> {
  const client = await openSession(monolith, { purpose: 'publish snapshot' })
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<{ name: string; visible: string }>(
      'SELECT pg_export_snapshot() AS name, pg_current_snapshot()::text AS visible',
    )
    const position = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    const [snapshot, lsn] = [rows[0], position.rows[0]?.lsn]
    if (snapshot === undefined || lsn === undefined) throw new Error('pg_export_snapshot returned no row')
    return { ...snapshot, consistencyPoint: parseLsn(lsn), release: async () => await client.end() }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** Begins a short transaction that sees the snapshot. The caller commits it. */
export async function beginWithSnapshot(client: pg.Client, snapshot: string): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  // The name comes from PostgreSQL itself, and no parameter can stand here.
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
}

async function visibleIn(monolith: PostgresTarget, snapshot: string): Promise<string> {
  return await withSession(monolith, { purpose: 'publish snapshot' }, async (client) => {
    await beginWithSnapshot(client, snapshot)
    const { rows } = await client.query<{ visible: string }>('SELECT pg_current_snapshot()::text AS visible')
    await client.query('COMMIT')
    return rows[0]?.visible ?? ''
  })
}
