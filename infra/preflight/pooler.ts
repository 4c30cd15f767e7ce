import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { openSession, type PostgresTarget } from '../postgres/session.ts'
import { errorFinding, type Finding } from './finding.ts'

/** A setting of nobody's: any name with a dot may be set. Manual: "Customized Options". */
const MARK = 'scission.session'

/** Twice each, so that a pooler with several sessions in turn shows itself too. */
const LOOKS = 4

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

/** Two sessions mark themselves in turn: in a shared one the later mark is found in the place of the earlier. */
async function holdsItsMark(session: pg.Client, other: pg.Client): Promise<boolean> {
  const [own, others] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await mark(session, own)
  await mark(other, others)
  const pid = await backendPid(session)
  for (let look = 0; look < LOOKS; look++) {
    const marks = [await markOf(session), await markOf(other)]
    if (marks[0] !== own || marks[1] !== others || (await backendPid(session)) !== pid) return false
  }
  return true
}

async function mark(session: pg.Client, value: string): Promise<void> {
  await session.query('SELECT set_config($1, $2, false)', [MARK, value])
}

async function markOf(session: pg.Client): Promise<string | null> {
  const { rows } = await session.query<{ mark: string | null }>('SELECT current_setting($1, true) AS mark', [MARK])
  return rows[0]?.mark ?? null
}

async function backendPid(session: pg.Client): Promise<string | undefined> {
  return (await session.query<{ pid: string }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid
}
