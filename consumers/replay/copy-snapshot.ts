import type { Client } from 'pg'
import type { Service } from '../../contracts/language/contract-set.ts'
import { quoteLiteral } from '../../contracts/language/quoting.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import { sessionFailure } from '../../infra/postgres/session-failure.ts'

/** A service's tables somewhere: in which database, and by their entities in which schemas. */
export interface Copy {
  readonly target: PostgresTarget
  readonly service: Service
}

/** One moment of a copy, which several sessions see. */
export interface SharedSnapshot {
  readonly copy: Copy
  /** The session whose transaction keeps it. */
  readonly client: Client
  readonly name: string
  readonly signal: AbortSignal | undefined
}

/** Runs an action with a snapshot that lasts as long as it. Manual: "Snapshot Synchronization Functions". */
export async function withSharedSnapshot<Result>(
  copy: Copy,
  signal: AbortSignal | undefined,
  action: (snapshot: SharedSnapshot) => Promise<Result>,
): Promise<Result> {
  return await withCopySession(copy, signal, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<{ name: string }>('SELECT pg_export_snapshot() AS name')
    const [exported] = rows
    if (exported === undefined) throw new Error('pg_export_snapshot returned no row')
    return await action({ copy, client, name: exported.name, signal })
  })
}

/** Runs an action in a session of its own that sees the snapshot, and reads alone. */
export async function inSnapshot<Result>(
  { copy, name, signal }: SharedSnapshot,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  return await withCopySession(copy, signal, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(name)}`)
    return await action(client)
  })
}

/** An abort ends the session at once, its running statement included. */
async function withCopySession<Result>(
  { service, target }: Copy,
  signal: AbortSignal | undefined,
  action: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await withSession(target, { purpose: `replay ${service.name}`, ...(signal && { signal }) }, action)
  } catch (error) {
    signal?.throwIfAborted()
    throw sessionFailure(target, error, 'run replay again')
  }
}
