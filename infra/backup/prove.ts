import type { Digest } from '../../contracts/digest.ts'
import { Failure } from '../../contracts/failure.ts'
import {
  type BackupDifference,
  compareLargeObjects,
  compareObjects,
  compareSequences,
  compareTables,
} from './compare.ts'
import { complaintOf, isOutOfRoom } from './complaint.ts'
import { type DumpPrograms, majorOf } from './dump-programs.ts'
import { inPhase, type Report } from './events.ts'
import { runUnderGuard } from './guarded-program.ts'
import { allRows, type LargeObjects, type SequenceSpan } from './manifest.ts'
import { programEnvironment, type SessionPlace } from './program-environment.ts'
import { readDigests } from './read-digests.ts'
import { type DatabaseObject, readObjects } from './read-objects.ts'
import { readSequences } from './read-sequences.ts'
import type { BackupTable } from './read-tables.ts'
import type { ScratchDatabase } from './scratch-database.ts'
import { withSessions } from './sessions.ts'

/** What the monolith held, which the restored dump must hold too. */
export interface Expected {
  readonly postgres: string
  readonly tables: readonly BackupTable[]
  readonly digests: readonly Digest[]
  readonly largeObjects: LargeObjects
  readonly sequences: readonly SequenceSpan[]
  readonly objects: readonly DatabaseObject[]
}

export interface ProofRequest {
  readonly programs: DumpPrograms
  /** pg_dump's directory. */
  readonly folder: string
  /** `DIR.partial`, for sentences. */
  readonly partial: string
  readonly scratch: ScratchDatabase
  readonly jobs: number
  readonly signal: AbortSignal
}

/**
 * Restores a dump into the scratch database, and compares everything there with what the monolith held.
 * @returns every difference; none is a proof.
 * @throws Failure 3 where the dump cannot be restored at all.
 */
export async function prove(request: ProofRequest, expected: Expected, report: Report): Promise<BackupDifference[]> {
  const { scratch } = request
  await inPhase(
    report,
    'restore',
    async () => await restore(request),
    () => ({ about: `PostgreSQL ${scratch.version}` }),
  )
  return await inPhase(
    report,
    'compare',
    async (move) => await compare(request, expected, move),
    (differences) => ({
      tables: expected.tables.length,
      rows: allRows(expected.digests),
      about: differences.length === 0 ? 'equal' : 'DIFFERENT',
    }),
  )
}

/** Owners and rights are restored, since the roles are there; what would reach out to other servers is not. */
const RESTORE_ARGUMENTS = [
  '--exit-on-error',
  '--no-tablespaces',
  '--no-subscriptions',
  '--no-security-labels',
  '--no-password',
] as const

async function restore({ programs, folder, partial, scratch, jobs, signal }: ProofRequest): Promise<void> {
  const { environment } = await programEnvironment(placeOf(scratch.target.url), scratch.target.url)
  const args = [...RESTORE_ARGUMENTS, `--jobs=${jobs}`, `--dbname=${environment['PGDATABASE'] ?? ''}`, folder]
  const { status, lines } = await runUnderGuard(
    { program: `${programs.folder}/pg_restore`, args, environment },
    { signal },
  )
  if (status !== 0) throw restoreFailure(partial, complaintOf(lines, status))
}

/** The scratch server's URL is one of ours, with all of its parts. */
function placeOf(url: string): SessionPlace {
  const { hostname, port, username, password, pathname } = new URL(url)
  return { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) }
}

export function restoreFailure(partial: string, complaint: string): Failure {
  if (isOutOfRoom(complaint))
    return new Failure(
      4,
      `There is no room for the scratch server, which holds the whole monolith for a while (${complaint}): make room in the temporary folder or the project's; the dump, which was read back and is not proven, stays in ${partial}.`,
    )
  return new Failure(
    3,
    `The dump could not be restored: ${complaint}. It is not proven, and stays in ${partial} to be looked at; the next backup begins anew.`,
  )
}

async function compare(
  { scratch, jobs, signal }: ProofRequest,
  expected: Expected,
  move: (done: { readonly tables: number; readonly ofTables: number }) => void,
): Promise<BackupDifference[]> {
  const sameMajor = String(majorOf(scratch.version)) === String(majorOf(expected.postgres))
  return await withSessions(scratch.target, jobs, signal, async (clients) => {
    const [client] = clients
    for (const each of clients) await each.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const restored = await readObjects(client)
    if (restored === null) throw new Error('Objects of the scratch database were dropped while it was compared')
    const objects = compareObjects(expected.objects, restored, sameMajor)
    if (lacksTable(objects, expected.tables)) return objects
    const found = await readDigests(clients, expected.tables, move)
    return [
      ...compareTables(expected.tables, expected.digests, found.tables),
      ...compareLargeObjects(expected.largeObjects, found.largeObjects),
      ...compareSequences(expected.sequences, await readSequences(client)),
      ...objects,
    ]
  })
}

/** Where a table or a column of it is missing its digest cannot be read. */
function lacksTable(differences: readonly BackupDifference[], tables: readonly BackupTable[]): boolean {
  const names = new Set(tables.map(({ entity }) => entity.name))
  return differences.some((found) => found.kind === 'object' && found.type === 'table' && names.has(found.name))
}
