import { readdir } from 'node:fs/promises'
import { Failure } from '../../contracts/failure.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import { atMost } from '../verify/at-most.ts'
import { complaintOf } from './complaint.ts'
import { assertAllListed, type DataFiles, parseDataEntry } from './dump-list.ts'
import { runUnderGuard } from './guarded-program.ts'
import { DUMP_FOLDER, type DumpFile, type Totals } from './manifest.ts'
import { type ReadFile, readDumpFile } from './read-file.ts'
import type { BackupTable } from './read-tables.ts'

export interface ReadBackRequest {
  /** pg_dump's directory. */
  readonly folder: string
  /** The path of pg_restore. */
  readonly pgRestore: string
  readonly tables: readonly BackupTable[]
  readonly digests: readonly Pick<Totals, 'rows'>[]
  readonly jobs: number
  readonly signal: AbortSignal
  readonly move: (done: { readonly files: number; readonly bytes: number }) => void
}

/**
 * Reads every file of a dump back once: its list, its sums, each table's rows by their number, and all of it through
 * pg_restore. What the operating system still holds in memory it reads from there.
 * @throws Failure 3 where anything of it is not as it was written.
 */
export async function readBack(request: ReadBackRequest): Promise<DumpFile[]> {
  const listed = await readList(request)
  assertAllListed(request.tables, listed)
  const files = await readFiles(request)
  assertRows(request, listed, files)
  await restoreToNowhere(request)
  return files.map(({ name, bytes, sha256 }) => ({ path: `${DUMP_FOLDER}/${name}`, bytes, sha256 }))
}

async function readList({ folder, pgRestore, signal }: ReadBackRequest): Promise<DataFiles> {
  const files = new Map<string, string>()
  const onLine = (line: string): void => {
    const entry = parseDataEntry(line)
    if (entry !== null) files.set(entry.oid, entry.file)
  }
  const run = { program: pgRestore, args: ['--list', folder], environment: { LC_ALL: 'C' } }
  const { status, lines } = await runUnderGuard(run, { signal, onLine })
  if (status !== 0) throw unreadable(complaintOf(lines, status))
  return files
}

interface NamedFile extends ReadFile {
  readonly name: string
}

async function readFiles({ folder, jobs, signal, move }: ReadBackRequest): Promise<NamedFile[]> {
  const names = (await readdir(folder)).toSorted()
  const done = { files: 0, bytes: 0 }
  return await atMost(jobs, names, async (name) => {
    const read = await readDumpFile(`${folder}/${name}`, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      throw unreadable(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    })
    done.files += 1
    done.bytes += read.bytes
    move({ ...done })
    return { name, ...read }
  })
}

/** The rows in the dump's files against those that the same snapshot showed to a query. */
function assertRows({ tables, digests }: ReadBackRequest, listed: DataFiles, files: readonly NamedFile[]): void {
  const rowsOf = new Map(files.map(({ name, rows }) => [name.replace(/\.dat(\.\w+)?$/, ''), rows]))
  tables.forEach((table, place) => {
    const file = listed.get(table.oid)
    if (file === undefined) return
    const rows = rowsOf.get(file) ?? null
    const expected = digests[place]?.rows
    if (rows === expected) return
    const held = rows === null ? 'has no end' : `holds ${rows} rows`
    throw unreadable(`file ${file}, of table ${tableSql(table)}, ${held}, and the monolith has ${expected}`)
  })
}

/** As a restore would, but for the database: every entry is read and decompressed by the program that will have to. */
async function restoreToNowhere({ folder, pgRestore, signal }: ReadBackRequest): Promise<void> {
  const run = { program: pgRestore, args: ['--file=/dev/null', folder], environment: { LC_ALL: 'C' } }
  const { status, lines } = await runUnderGuard(run, { signal })
  if (status !== 0) throw unreadable(complaintOf(lines, status))
}

function unreadable(because: string): Failure {
  return new Failure(
    3,
    `The dump cannot be read back (${because}): it is no backup; see to the disk that it lies on, and run backup again.`,
  )
}
