import { removeAbandonedFolders } from '../embedded/abandoned-folders.ts'
import type { Environment } from '../embedded/run-program.ts'
import type { PostgresTarget } from '../postgres/session.ts'
import { type BackupDifference, totalsOf } from './compare.ts'
import { type DumpedMonolith, dumpMonolith } from './dump-monolith.ts'
import { type DumpPrograms, findDumpPrograms } from './dump-programs.ts'
import { inPhase, NO_PROGRESS, type Report } from './events.ts'
import { allBytes, type BackupManifest, DUMP_FOLDER, type DumpFile } from './manifest.ts'
import { backupNotes } from './notes.ts'
import { prove } from './prove.ts'
import { readBack } from './read-back.ts'
import { type MonolithFacts, readMonolith } from './read-monolith.ts'
import { countObjects } from './read-objects.ts'
import { type ScratchDatabase, withScratchDatabase } from './scratch-database.ts'
import { findScratchPrograms } from './scratch-programs.ts'
import { withSessions } from './sessions.ts'
import { claimFolder, refuseOccupied, type TargetFolder } from './target-folder.ts'

export interface BackupRequest {
  readonly monolith: PostgresTarget
  /** DIR, as an absolute path. */
  readonly folder: string
  readonly prove: boolean
  /** Sessions that read the monolith, and workers that restore, at the same time. */
  readonly jobs: number
  /** Where programs are looked for. */
  readonly environment: Environment
  readonly signal: AbortSignal
}

export interface BackupOutcome {
  /** DIR, or `DIR.partial` where the proof found a difference. */
  readonly folder: string
  readonly manifest: BackupManifest
  /** What the proof found; empty too where there was no proof. */
  readonly differences: readonly BackupDifference[]
  readonly seconds: number
}

/**
 * Dumps the whole monolith under one snapshot, with the digests of all its tables; reads the dump back; and, with `prove`,
 * restores it into a private server and compares everything there. What cannot be done is found out before the first byte
 * is written. A difference is no failure: the outcome tells it, and the folder keeps its name `DIR.partial`.
 * @throws Failure 3 where the dump is damaged, 4 where something is not as needed, 5 where a lock or a server was waited
 * for in vain. Nothing of a dump stays that was not read back whole.
 */
export async function backUp(request: BackupRequest, report: Report): Promise<BackupOutcome> {
  const startedAtMs = Date.now()
  const { monolith, environment, signal } = request
  await refuseOccupied(request.folder)
  // What a backup left behind that was killed together with its guards.
  await removeAbandonedFolders({})
  const facts = await withSessions(monolith, 1, signal, async ([client]) => await readMonolith(client))
  const programs = await findDumpPrograms(environment, facts.version)
  const run: Run = { ...request, facts, programs, role: facts.server.role, report }
  const taken = request.prove
    ? await withScratch(run, async (scratch) => await take(run, scratch))
    : await take(run, null)
  return { ...taken, seconds: (Date.now() - startedAtMs) / 1000 }
}

interface Run extends BackupRequest {
  readonly facts: MonolithFacts
  readonly programs: DumpPrograms
  readonly role: string
  readonly report: Report
}

type Taken = Omit<BackupOutcome, 'seconds'>

/** The scratch server is there before the dump begins: hours would be lost on one that cannot serve. */
async function withScratch(run: Run, use: (scratch: ScratchDatabase) => Promise<Taken>): Promise<Taken> {
  const { environment, facts, programs, report, signal } = run
  const chosen = await findScratchPrograms(environment, facts.version, programs)
  report({ type: 'phase-begun', phase: 'scratch' })
  return await withScratchDatabase(chosen, facts, async (scratch) => {
    signal.throwIfAborted()
    report({ type: 'phase-ended', phase: 'scratch', progress: NO_PROGRESS, about: `PostgreSQL ${scratch.version}` })
    if (!scratch.sameLocale) report({ type: 'notice', text: localeNotice(facts) })
    return await use(scratch)
  })
}

function localeNotice({ locale }: MonolithFacts): string {
  return `The monolith's locale (${locale.icuLocale ?? locale.collate}) is not on this machine: the proof restores under another one.`
}

async function take(run: Run, scratch: ScratchDatabase | null): Promise<Taken> {
  const target = await claimFolder(run.folder)
  try {
    const source = await dumpMonolith(run, target)
    const manifest = manifestOf(run, source, await readDumpBack(run, target, source))
    await target.keep(manifest)
    if (scratch !== null) return await takeProof(run, target, scratch, source, manifest)
    await target.complete(manifest)
    return { folder: run.folder, manifest, differences: [] }
  } finally {
    await target.leave()
  }
}

async function readDumpBack(run: Run, target: TargetFolder, source: DumpedMonolith): Promise<DumpFile[]> {
  const { programs, jobs, signal, report } = run
  return await inPhase(
    report,
    'read back',
    async (move) =>
      await readBack({
        folder: target.draft,
        pgRestore: `${programs.folder}/pg_restore`,
        ...source,
        jobs,
        signal,
        move,
      }),
    (files) => ({ files: files.length, bytes: allBytes(files) }),
  )
}

async function takeProof(
  run: Run,
  target: TargetFolder,
  scratch: ScratchDatabase,
  source: DumpedMonolith,
  manifest: BackupManifest,
): Promise<Taken> {
  const { programs, jobs, signal, facts, report } = run
  const startedAtMs = Date.now()
  const folder = `${target.partial}/${DUMP_FOLDER}`
  const request = { programs, folder, partial: target.partial, scratch, jobs, signal }
  const differences = await prove(request, { ...source, postgres: facts.version }, report)
  if (differences.length > 0) return { folder: target.partial, manifest, differences }
  const proof = {
    provenAt: new Date().toISOString(),
    postgres: scratch.version,
    sameLocale: scratch.sameLocale,
    seconds: (Date.now() - startedAtMs) / 1000,
  }
  const proven = { ...manifest, proven: true, proof }
  await target.complete(proven)
  return { folder: run.folder, manifest: proven, differences }
}

function manifestOf({ facts, programs }: Run, source: DumpedMonolith, files: readonly DumpFile[]): BackupManifest {
  const { snapshot, tables, digests, largeObjects, sequences, objects, invalidIndexes } = source
  const { server, version, systemId, locale } = facts
  const { name, visible, position, takenAt } = snapshot
  return {
    format: 1,
    takenAt,
    proven: false,
    proof: null,
    monolith: {
      systemId,
      database: server.database,
      postgres: version,
      encoding: locale.encoding,
      locale: locale.icuLocale ?? locale.collate,
    },
    pgDump: programs.version,
    snapshot: { name, visible, position },
    tables: tables.map(({ schema, table }, place) => {
      const digest = digests[place]
      if (digest === undefined) throw new Error('A table has no digest')
      return { schema, table, ...totalsOf(digest) }
    }),
    largeObjects,
    sequences,
    objects: countObjects(objects),
    extensions: facts.extensions,
    roles: facts.roles,
    notes: backupNotes(facts, largeObjects, invalidIndexes),
    files,
  }
}
