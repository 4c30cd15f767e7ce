import type { Client } from 'pg'
import type { Digest } from '../../contracts/digest.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { sequenceSpans } from './compare.ts'
import { dump } from './dump.ts'
import type { DumpPrograms } from './dump-programs.ts'
import { inPhase, type Report } from './events.ts'
import { allRows, type LargeObjects, type SequenceSpan } from './manifest.ts'
import { programEnvironment } from './program-environment.ts'
import { readDigests } from './read-digests.ts'
import { type DatabaseObject, readInvalidIndexes } from './read-objects.ts'
import { readSequences } from './read-sequences.ts'
import { type BackupTable, describeTables } from './read-tables.ts'
import { withSessions } from './sessions.ts'
import { type HeldSnapshot, holdSnapshot, joinSnapshot } from './snapshot.ts'
import type { TargetFolder } from './target-folder.ts'

export interface DumpingRun {
  readonly monolith: PostgresTarget
  readonly role: string
  /** DIR, for sentences. */
  readonly folder: string
  readonly programs: DumpPrograms
  readonly jobs: number
  readonly signal: AbortSignal
  readonly report: Report
}

/** What was dumped, as the snapshot of the dump showed it to queries. */
export interface DumpedMonolith {
  readonly snapshot: HeldSnapshot
  readonly tables: readonly BackupTable[]
  /** In the order of the tables. */
  readonly digests: readonly Digest[]
  readonly largeObjects: LargeObjects
  readonly sequences: readonly SequenceSpan[]
  readonly objects: readonly DatabaseObject[]
  readonly invalidIndexes: readonly string[]
}

/**
 * Dumps the monolith and reads its digests under the same snapshot: first the one, then the other, so that no more than
 * `jobs` sessions read at the same time; as many stand by meanwhile, and one of them holds the snapshot and its tables.
 */
export async function dumpMonolith(run: DumpingRun, target: TargetFolder): Promise<DumpedMonolith> {
  const { monolith, jobs, signal } = run
  return await withSessions(monolith, jobs, signal, async (clients) => {
    const [holder, ...others] = clients
    const { snapshot, tables } = await takeSnapshot(run, holder, others)
    const before = await readSequences(holder)
    await runDump(run, target, holder, snapshot, tables.length)
    const sequences = sequenceSpans(before, await readSequences(holder))
    const { tables: digests, largeObjects } = await takeDigests(run, clients, tables)
    const invalidIndexes = await readInvalidIndexes(holder)
    return { snapshot, tables, digests, largeObjects, sequences, objects: snapshot.objects, invalidIndexes }
  })
}

async function takeSnapshot(
  { report, role }: DumpingRun,
  holder: Client,
  others: readonly Client[],
): Promise<{ readonly snapshot: HeldSnapshot; readonly tables: readonly BackupTable[] }> {
  return await inPhase(
    report,
    'snapshot',
    async () => {
      const snapshot = await holdSnapshot(holder, role)
      for (const other of others) await joinSnapshot(other, snapshot.name)
      return { snapshot, tables: await describeTables(holder, snapshot.tables) }
    },
    ({ snapshot, tables }) => ({ tables: tables.length, about: `as of ${snapshot.takenAt}` }),
  )
}

async function runDump(
  run: DumpingRun,
  target: TargetFolder,
  holder: Client,
  { name }: HeldSnapshot,
  ofTables: number,
): Promise<void> {
  const { programs, folder, jobs, signal, monolith } = run
  const connection = await programEnvironment(holder, monolith.url)
  await inPhase(
    run.report,
    'dump',
    async (move) =>
      await dump({
        programs,
        connection,
        target: folder,
        folder: target.draft,
        snapshot: name,
        jobs,
        signal,
        move: (done) => move({ ...done, ofTables }),
      }),
    (bytes) => ({ tables: ofTables, bytes, about: `pg_dump ${programs.version}` }),
  )
}

async function takeDigests(
  { report }: DumpingRun,
  clients: readonly [Client, ...Client[]],
  tables: readonly BackupTable[],
): ReturnType<typeof readDigests> {
  return await inPhase(
    report,
    'digests',
    async (move) => await readDigests(clients, tables, move),
    (read) => ({ tables: tables.length, rows: allRows(read.tables) }),
  )
}
