import type pg from 'pg'
import { codeOf, openSession, type PostgresTarget } from '../infra/postgres/session.ts'

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

export interface SessionLife {
  /** Ends the session when it is aborted. */
  readonly signal: AbortSignal
  /** Is told where the session breaks while nobody waits for an answer: it is the only sign of that. */
  readonly lost: (error: Error) => void
}

/** Opens a session for a consumer. The caller ends it. */
export async function openConsumerSession(
  database: PostgresTarget,
  purpose: string,
  { signal, lost }: SessionLife,
): Promise<ConsumerSession> {
  const client = await openSession(database, { purpose, signal })
  let isEnding = false
  const end = async (): Promise<void> => {
    isEnding = true
    await client.end()
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
    await passOverTriggers(client)
    return { client, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Triggers ran in the monolith already. A role that is no superuser may be granted this from PostgreSQL 15 on. */
async function passOverTriggers(client: pg.Client): Promise<void> {
  try {
    await client.query("SET session_replication_role = 'replica'")
  } catch (error) {
    if (codeOf(error) !== NOT_ALLOWED) throw error
  }
}
