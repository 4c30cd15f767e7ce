import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { openSession, type PostgresTarget } from '../postgres/session.ts'
import { errorFinding, type Finding } from './finding.ts'

/** A setting of nobody's: any name with a dot may be set. Manual: "Customized Options". */
const MARK = 'scission.session'

/**
 * What stands between us and PostgreSQL where a session is not one and the same from statement to statement: its locks,
 * its snapshot and its settings would be another client's. Empty where the session is PostgreSQL's own.
 */
export async function poolerFindings(
  subject: string,
  target: PostgresTarget,
  session: pg.Client,
): Promise<readonly Finding[]> {
  const other = await openSession(target, { purpose: 'preflight, second session' })
  try {
    const held = await holdsItsMark(session, other)
    return held ? [] : [poolerFinding(subject, 'it hands a session to another client between two transactions')]
  } finally {
    await other.end().catch(() => undefined)
  }
}

/** A pooler that refuses the settings with which every session begins, as pgbouncer does in any of its modes. */
export function isRefusedByPooler(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && /unsupported startup parameter/i.test(cause.message)
}

export function poolerFinding(subject: string, clause: string): Finding {
  return errorFinding(
    'pooler',
    subject,
    `The URL leads to a connection pooler and not to PostgreSQL itself: ${clause}.`,
    'Give the URL of the server behind it, by its own port (often 5432, where a pooler has 6432).',
  )
}

/**
 * Two sessions mark themselves in turn: in a shared one the later mark is found in the place of the earlier. The second
 * look goes the other way round, so that a pooler that deals its sessions out in turn does not happen to fit.
 */
async function holdsItsMark(session: pg.Client, other: pg.Client): Promise<boolean> {
  const own = await mark(session)
  const others = await mark(other)
  for (const [looked, expected] of [
    [session, own],
    [other, others],
    [other, others],
    [session, own],
  ] as const)
    if ((await look(looked)) !== expected) return false
  return true
}

/** Marks a session, and returns what `look` must find there from then on: the mark, and the server's process. */
async function mark(session: pg.Client): Promise<string | undefined> {
  const { rows } = await session.query<{ seen: string }>(
    "SELECT set_config($1, $2, false) || '/' || pg_backend_pid() AS seen",
    [MARK, randomBytes(8).toString('hex')],
  )
  return rows[0]?.seen
}

async function look(session: pg.Client): Promise<string | undefined> {
  const { rows } = await session.query<{ seen: string }>(
    "SELECT coalesce(current_setting($1, true), '') || '/' || pg_backend_pid() AS seen",
    [MARK],
  )
  return rows[0]?.seen
}
