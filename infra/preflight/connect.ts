import pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { readServer, type ServerFacts } from '../catalog/read-server.ts'
import { openSession, type PostgresTarget } from '../postgres/session.ts'
import type { Finding } from './finding.ts'
import { isRefusedByPooler, poolerFinding, poolerFindings } from './pooler.ts'

/** What was looked at, or why it could not be. */
export type Observed<State> =
  | { readonly outcome: 'seen'; readonly state: State }
  | { readonly outcome: 'unseen'; readonly findings: readonly Finding[] }

/** Called with each thing that must be closed in the end. */
export type Keep = (close: () => Promise<void>) => void

export const OLDEST_POSTGRES = 14
const NUMBERS_PER_RELEASE = 10_000

/** A check never waits behind a lock for longer: it would stand in the queue before the application's statements. */
const LOCK_TIMEOUT_MS = 2_000

/** Far above what the catalog of thousands of tables takes, so that preflight ends in any case. */
const STATEMENT_TIMEOUT_MS = 60_000

/**
 * Opens a session and observes a database by it. A server that cannot be reached, is too old, or refuses a statement
 * becomes a finding; anything else is a defect and is thrown.
 */
export async function observeDatabase<State>(
  subject: string,
  target: PostgresTarget,
  keep: Keep,
  observe: (session: pg.Client, server: ServerFacts) => Promise<State>,
): Promise<Observed<State>> {
  try {
    const session = await openSession(target, { purpose: 'preflight' })
    keep(async () => await session.end())
    const pooler = await poolerFindings(subject, target, session)
    if (pooler.length > 0) return { outcome: 'unseen', findings: pooler }
    await session.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await session.query(`SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`)
    const server = await readServer(session)
    const tooOld = serverTooOld(subject, server)
    if (tooOld.length > 0) return { outcome: 'unseen', findings: tooOld }
    return { outcome: 'seen', state: await observe(session, server) }
  } catch (error) {
    return { outcome: 'unseen', findings: [unseenFinding(subject, error)] }
  }
}

export function serverTooOld(subject: string, server: Pick<ServerFacts, 'version' | 'versionNumber'>): Finding[] {
  if (server.versionNumber >= OLDEST_POSTGRES * NUMBERS_PER_RELEASE) return []
  return [tooOldFinding(subject, `runs PostgreSQL ${server.version}`)]
}

/** @throws the error itself where it is neither a failure for an operator nor an answer of a server. */
export function unseenFinding(subject: string, error: unknown): Finding {
  if (isOlderStartUp(error)) return tooOldFinding(subject, 'does not know the settings of every session')
  if (error instanceof Failure && isRefusedByPooler(error.cause))
    return poolerFinding(subject, 'it refuses the settings with which a session begins')
  const said = saidBy(error)
  if (said === null) throw error
  const cure = `Put that right and run preflight again: the other checks of ${subject} were left out.`
  return { check: 'connection', severity: 'error', subject, problem: said, cure }
}

/** A server before 14 ends the start of a pinned session with 42704: it does not know `idle_session_timeout`. */
function isOlderStartUp(error: unknown): boolean {
  return error instanceof Failure && error.cause instanceof pg.DatabaseError && error.cause.code === '42704'
}

function saidBy(error: unknown): string | null {
  if (error instanceof Failure) return error.message
  if (error instanceof pg.DatabaseError) return `It refused to be looked at: ${error.message}.`
  // The driver has no code for a connection that broke between two statements.
  const broken = error instanceof Error && /^Connection terminated|ECONNRESET|EPIPE/.test(error.message)
  return broken ? `The connection broke: ${error.message}.` : null
}

function tooOldFinding(subject: string, clause: string): Finding {
  return {
    check: 'server-version',
    severity: 'error',
    subject,
    problem: `The server ${clause}: Scission needs PostgreSQL ${OLDEST_POSTGRES} or later.`,
    cure: 'Upgrade the server.',
  }
}
