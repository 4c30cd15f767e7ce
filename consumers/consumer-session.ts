import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { codeOf, openSession, type PostgresTarget } from '../infra/postgres/session.ts'
import { NoAnswer, outageCause, Unreachable } from './database-outage.ts'
import type { Notice } from '../infra/notice.ts'
import type { ConsumerRole } from './role.ts'
import type { Traffic } from './traffic.ts'
import { useState } from './use-state.ts'

/**
 * What the server is asked for besides what every session is pinned to: probes that end a session, and with it the
 * lease, when its consumer's machine is gone. Manual: "Connections and Authentication", "TCP Settings".
 */
const PROBES: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
}

const NOT_ALLOWED = '42501'

export interface ConsumerSession {
  readonly client: pg.Client
  /** Ends it, also in the middle of a statement, which then fails; may be called again. */
  readonly end: () => Promise<void>
}

/** The server's processes of open sessions, with the times at which they began, since a number is used again. */
export type OpenSessions = Map<string, string>

export interface SessionLife {
  /** Ends the session when it is aborted. */
  readonly signal: AbortSignal
  /** Is told where the session breaks while nobody waits for an answer: it is the only sign of that. */
  readonly lost: (error: Error) => void
  /** A session is in it until it has ended in good order: what a cut link left behind stays in it. */
  readonly open: OpenSessions
  /** Of those that load and change rows. */
  readonly traffic: Traffic
  /** How long a server may take to let us in, or to answer a probe. */
  readonly answerLimitMs: number
  /** Is told for whose locks sessions wait. */
  readonly notice: Notice
  /** How long they may. */
  readonly maxWaitMs: number
  readonly role: ConsumerRole
}

/**
 * Opens a session for a consumer. The caller ends it.
 * @param purpose the service, and what the session does for it; the role's verb stands before it.
 * @throws Unreachable where the server is away; else as `openSession` does.
 */
export async function openConsumerSession(
  database: PostgresTarget,
  purpose: string,
  life: SessionLife,
): Promise<ConsumerSession> {
  const late = new AbortController()
  const limit = setTimeout(
    () => late.abort(new NoAnswer(`no answer for ${life.answerLimitMs / 1_000} s`)),
    life.answerLimitMs,
  )
  try {
    const signal = AbortSignal.any([life.signal, late.signal])
    const client = await openSession(database, { purpose: `${life.role.verb} ${purpose}`, signal }).catch(
      (error: unknown) => {
        throw error instanceof Failure && outageCause(error.cause) === 'away' ? new Unreachable(error) : error
      },
    )
    return await settle(client, life)
  } finally {
    clearTimeout(limit)
  }
}

async function settle(client: pg.Client, { lost, open, role, signal }: SessionLife): Promise<ConsumerSession> {
  let isEnding = false
  let own: readonly [pid: string, since: string] | undefined
  const end = async (): Promise<void> => {
    isEnding = true
    // Before it has ended: else whoever watches would find it missing.
    if (own !== undefined) open.delete(own[0])
    await client.end()
    if (own !== undefined && signal.aborted) open.set(...own)
  }
  const broke = (error: Error = new Error('Connection terminated unexpectedly')): void => {
    if (!isEnding) lost(error)
  }
  client.on('error', broke)
  client.on('end', () => broke())
  try {
    await client.query('SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS t (name, value)', [
      Object.keys(PROBES),
      Object.values(PROBES),
    ])
    own = await readIdentity(client)
    open.set(...own)
    await passOverTriggers(client)
    await useState(client, role.stateSchema)
    return { client, end }
  } catch (error) {
    await end()
    throw error
  }
}

async function readIdentity(client: pg.Client): Promise<[pid: string, since: string]> {
  const { rows } = await client.query<{ pid: string; since: string }>(
    'SELECT pid::text, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()',
  )
  const [own] = rows
  if (own === undefined) throw new Error('A session does not see itself')
  return [own.pid, own.since]
}

/** Triggers ran in the monolith already. A role that is no superuser may be granted this from PostgreSQL 15 on. */
export async function passOverTriggers(client: pg.Client): Promise<void> {
  try {
    await client.query("SET session_replication_role = 'replica'")
  } catch (error) {
    if (codeOf(error) !== NOT_ALLOWED) throw error
  }
}
