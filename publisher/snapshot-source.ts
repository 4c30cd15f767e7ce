import pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { quoteIdentifier, quoteLiteral } from '../contracts/language/quoting.ts'
import { type Lsn, parseLsn } from '../contracts/positions.ts'
import { backendPid, endBackend } from '../infra/postgres/backend.ts'
import { codeOf, openSession, withSession } from '../infra/postgres/session.ts'
import type { Run } from './run.ts'

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

/** By it a creation that outlives its publisher is known. */
export const SLOT_SESSION = 'publish slot'

/** What PostgreSQL says of a snapshot whose holder is gone, from version 16 on and before. */
const LOST_SNAPSHOT = new Set(['42704', '22023', '55000'])

/**
 * Creates the slot and takes the snapshot that it exports: what the snapshot does not show, the slot will deliver. The
 * snapshot lives as long as this connection runs no other command. The creation waits for every transaction that is
 * open in the server; it says for which, and ends with the run. Manual: "CREATE_REPLICATION_SLOT".
 * @throws Failure 5 where it waited for longer than an outage may last.
 */
export async function createSlotWithSnapshot(run: Run, slot: string): Promise<SnapshotSource> {
  const { dependencies, signal } = run
  const { monolith } = dependencies
  const client = await openSession(monolith, { purpose: SLOT_SESSION, replication: true, signal })
  try {
    const created = await createSlot(run, client, slot)
    const leave = run.endWith(client)
    return {
      name: created.snapshot_name,
      visible: await visibleIn(run, created.snapshot_name),
      consistencyPoint: parseLsn(created.consistent_point),
      release: async () => {
        leave()
        await client.end()
      },
    }
  } catch (error) {
    await client.end().catch(() => undefined)
    signal.throwIfAborted()
    throw error
  }
}

interface CreatedSlot {
  readonly consistent_point: string
  readonly snapshot_name: string
}

async function createSlot(run: Run, client: pg.Client, slot: string): Promise<CreatedSlot> {
  const { dependencies, options, signal, watch } = run
  const pid = await backendPid(client)
  const late = AbortSignal.timeout(options.maxOutageMs)
  const either = AbortSignal.any([signal, late])
  // The server would go on waiting for others with nobody there, and make the slot in the end.
  const cancel = (): void => void endBackend(dependencies.monolith, pid).catch(() => undefined)
  either.addEventListener('abort', cancel, { once: true })
  const forget = watch.add(pid, `The making of slot ${slot}`)
  try {
    // The older form of the option: PostgreSQL 14 does not know the one in parentheses, and later releases take both.
    const { rows } = await client.query<CreatedSlot>(
      `CREATE_REPLICATION_SLOT ${quoteIdentifier(slot)} LOGICAL pgoutput EXPORT_SNAPSHOT`,
    )
    if (rows[0] === undefined) throw new Error('CREATE_REPLICATION_SLOT returned no row')
    return rows[0]
  } catch (error) {
    throw late.aborted && !signal.aborted ? lateSlotFailure(slot, options.maxOutageMs, watch.blockersOf(pid)) : error
  } finally {
    forget()
    either.removeEventListener('abort', cancel)
  }
}

function lateSlotFailure(slot: string, maxOutageMs: number, blockers: string): Failure {
  const whom = blockers === '' ? 'transactions that are open in the server' : blockers
  return new Failure(
    5,
    `Slot ${slot} could not be made in ${maxOutageMs / 1000} s, since it must wait for ${whom}: let that end, or end it, then run publish again.`,
  )
}

/**
 * Takes a snapshot in an ordinary transaction, for an epoch without a slot, and for a new attempt in an epoch whose slot
 * is older. The position is read after the snapshot, so that every commit it shows lies before it.
 */
export async function exportSnapshot(run: Run): Promise<SnapshotSource> {
  return await holdSnapshot(run, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const exported = await exportOwn(client)
    const position = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    const lsn = position.rows[0]?.lsn
    if (lsn === undefined) throw new Error('pg_current_wal_insert_lsn() returned no row')
    return { ...exported, consistencyPoint: parseLsn(lsn) }
  })
}

/** Holds a snapshot that another session holds, too, so that it lives as long as one of the two; null where it is lost. */
export async function importSnapshot(run: Run, held: Omit<SnapshotSource, 'release'>): Promise<SnapshotSource | null> {
  try {
    return await holdSnapshot(run, async (client) => {
      await beginWithSnapshot(client, held.name)
      const exported = await exportOwn(client)
      if (exported.visible !== held.visible)
        throw new Error(`Snapshot ${held.name} shows ${exported.visible}, and ${held.visible} is on record`)
      return { ...exported, consistencyPoint: held.consistencyPoint }
    })
  } catch (error) {
    if (error instanceof SnapshotLost) return null
    throw error
  }
}

/** A session that holds a snapshot until it is released, and ends the run with its own end. */
async function holdSnapshot(
  run: Run,
  take: (client: pg.Client) => Promise<Omit<SnapshotSource, 'release'>>,
): Promise<SnapshotSource> {
  const { dependencies, signal } = run
  const client = await openSession(dependencies.monolith, { purpose: 'publish snapshot', signal })
  try {
    const taken = await take(client)
    const leave = run.endWith(client)
    const release = async (): Promise<void> => {
      leave()
      await client.end()
    }
    return { ...taken, release }
  } catch (error) {
    await client.end().catch(() => undefined)
    signal.throwIfAborted()
    throw error
  }
}

async function exportOwn(client: pg.Client): Promise<Pick<SnapshotSource, 'name' | 'visible'>> {
  const { rows } = await client.query<{ name: string; visible: string }>(
    'SELECT pg_export_snapshot() AS name, pg_current_snapshot()::text AS visible',
  )
  if (rows[0] === undefined) throw new Error('pg_export_snapshot returned no row')
  return rows[0]
}

/** Nobody holds the snapshot any more: what is not read yet cannot be read as of the same point in time. */
export class SnapshotLost extends Failure {
  constructor(cause: unknown) {
    super(
      5,
      'The session that held the snapshot has ended, so that the rest cannot be read as of the same point in time: run publish again.',
      { cause },
    )
  }
}

/**
 * Begins a short transaction that sees the snapshot. The caller commits it.
 * @throws SnapshotLost where the snapshot is gone with the session that held it.
 */
export async function beginWithSnapshot(client: pg.Client, snapshot: string): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    // The name comes from PostgreSQL itself, and no parameter can stand here.
    await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || !LOST_SNAPSHOT.has(codeOf(cause))) throw cause
    throw new SnapshotLost(cause)
  }
}

async function visibleIn({ dependencies, signal }: Run, snapshot: string): Promise<string> {
  return await withSession(dependencies.monolith, { purpose: 'publish snapshot', signal }, async (client) => {
    await beginWithSnapshot(client, snapshot)
    const { rows } = await client.query<{ visible: string }>('SELECT pg_current_snapshot()::text AS visible')
    await client.query('COMMIT')
    return rows[0]?.visible ?? ''
  })
}
