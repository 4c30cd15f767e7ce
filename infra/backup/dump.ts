import { readdir, stat } from 'node:fs/promises'
import { Failure } from '../../contracts/failure.ts'
import { complaintOf, isOutOfRoom } from './complaint.ts'
import type { DumpPrograms } from './dump-programs.ts'
import { type GuardedRun, runUnderGuard } from './guarded-program.ts'
import { KEEPALIVES } from './program-environment.ts'
import { LOCK_WAIT_MS } from './snapshot.ts'
import { fullFailure } from './target-folder.ts'

export interface DumpRequest {
  readonly programs: DumpPrograms
  readonly connection: Pick<GuardedRun, 'environment' | 'files'>
  /** The backup's own folder, for sentences. */
  readonly target: string
  /** pg_dump's directory; it makes it. */
  readonly folder: string
  readonly snapshot: string
  readonly jobs: number
  readonly signal: AbortSignal
  readonly move: (done: { readonly tables: number; readonly bytes: number }) => void
}

/** Often enough to look alive; each look asks for the size of every file. */
const LOOK_EVERY_MS = 1_000

/**
 * Runs pg_dump on the whole database, in directory form, under a snapshot that somebody else holds.
 * @returns the bytes of its files.
 * @throws Failure 4 with what it complained of, 5 where the server was lost.
 */
export async function dump(request: DumpRequest): Promise<number> {
  const { programs, connection, folder, signal, target } = request
  let tables = 0
  let bytes = 0
  const onLine = (line: string): void => {
    if (line.startsWith('pg_dump: dumping contents of table ')) tables += 1
  }
  const timer = setInterval(() => {
    void bytesIn(folder).then((found) => (bytes = found))
    request.move({ tables, bytes })
  }, LOOK_EVERY_MS)
  try {
    const run = { program: `${programs.folder}/pg_dump`, args: dumpArguments(request), ...connection }
    const { status, lines } = await runUnderGuard(run, { signal, onLine })
    if (status !== 0) throw dumpFailure(target, complaintOf(lines, status))
    return await bytesIn(folder)
  } finally {
    clearInterval(timer)
  }
}

/** It syncs its files to the disk by itself. Manual: "pg_dump". */
export function dumpArguments({ folder, snapshot, jobs }: Pick<DumpRequest, 'folder' | 'snapshot' | 'jobs'>): string[] {
  return [
    '--format=directory',
    `--file=${folder}`,
    `--jobs=${jobs}`,
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${LOCK_WAIT_MS}`,
    '--no-password',
    '--verbose',
    `--dbname=${KEEPALIVES}`,
  ]
}

/** Whoever waits for an exclusive lock on a table is in the way of pg_dump's workers, which do not wait. */
const LOCK_COMPLAINT = /could not obtain lock on relation|lock timeout/i

const LOST_SERVER =
  /server closed the connection|terminating connection|could not (receive|send) data|the database system is (starting up|shutting down|in recovery)/i

/** What libpq says where nobody answers, behind `connection to server at … failed: `. */
const NO_ANSWER =
  /connection to server .* failed: .*(connection refused|timed out|timeout expired|connection reset|no route to host|unreachable)/i

/** A server that answers is not lost: a password that it refuses, or a certificate of its that fails, come again. */
function isLost(complaint: string): boolean {
  return LOST_SERVER.test(complaint) || (NO_ANSWER.test(complaint) && !complaint.includes('FATAL: '))
}

export function dumpFailure(target: string, complaint: string): Failure {
  if (isOutOfRoom(complaint)) return fullFailure(target)
  if (isLost(complaint))
    return new Failure(5, `pg_dump lost the monolith: ${complaint}; see that the server runs, then run backup again.`)
  const wayOut = LOCK_COMPLAINT.test(complaint)
    ? 'a migration wants one of its tables for itself; run backup again when that has ended'
    : 'put that right, then run backup again'
  return new Failure(4, `pg_dump could not dump the monolith: ${complaint}; ${wayOut}.`)
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(`${folder}/${name}`)
        .then(({ size }) => size)
        .catch(() => 0),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
