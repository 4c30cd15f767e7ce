import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from '../../contracts/failure.ts'
import { placeNpmPostgres } from './npm-postgres.ts'
import { programsFolder } from './project-folder.ts'
import { runProgram, type Environment } from './run-program.ts'
import type { ServerUser } from './unprivileged-user.ts'
import { judgeVersion, type Judged } from './version.ts'

/** A folder that holds a whole PostgreSQL server, where it was found, and what was passed over on the way and why. */
export type PostgresBinaries = {
  readonly folder: string
  readonly version: string
  readonly source: string
  readonly passedOver: readonly string[]
}

/** The monolith runs PostgreSQL 15; older than 14 the change stream lacks what following needs. */
const OLDEST = [14] as const
const PROGRAMS = ['initdb', 'pg_ctl', 'postgres'] as const

/** `hasSpare`: another copy of the same follows, so that the fault of this one is no news. */
type Candidate = { readonly folder: string; readonly source: string; readonly hasSpare?: boolean }

/**
 * Finds a PostgreSQL server that `user` can run: in the folder that SCISSION_POSTGRES_BIN names, else on the PATH (its
 * links resolved), else in npm's package, which is put into `spareFolder` where `user` cannot reach the project.
 *
 * @throws Failure where SCISSION_POSTGRES_BIN names none that serves, or where nothing serves.
 */
export async function findPostgresBinaries(
  environment: Environment,
  user: ServerUser = {},
  spareFolder?: string,
): Promise<PostgresBinaries> {
  const named = environment['SCISSION_POSTGRES_BIN']
  if (named) return judgeNamed(named, user)
  const passedOver: string[] = []
  for await (const { folder, source, hasSpare } of candidates(environment['PATH'] ?? '', spareFolder)) {
    const judged = await judgeFolder(folder, user)
    if ('version' in judged) return { folder, version: judged.version, source, passedOver }
    if (!hasSpare) passedOver.push(`PostgreSQL from ${source} (${folder}) is passed over: ${judged.fault}.`)
  }
  throw new Failure(4, [...passedOver, NOTHING_SERVES].join(' '))
}

const NOTHING_SERVES =
  'No PostgreSQL server was found to run here: install PostgreSQL 14 or newer (15 is what is tested), or let SCISSION_POSTGRES_BIN name the folder that holds its initdb, pg_ctl and postgres.'

async function* candidates(path: string, spareFolder: string | undefined): AsyncGenerator<Candidate> {
  for (const folder of await foldersOnPath(path)) yield { folder, source: 'the PATH' }
  const source = "npm's package"
  const folder = await placeNpmPostgres(programsFolder)
  if (folder) yield { folder, source, hasSpare: spareFolder !== undefined }
  const spare = spareFolder && (await placeNpmPostgres(spareFolder))
  if (spare) yield { folder: spare, source }
}

async function foldersOnPath(path: string): Promise<string[]> {
  const links = path.split(':').filter((folder) => folder.startsWith('/'))
  const found = await Promise.all(links.map((folder) => realpath(`${folder}/postgres`).catch(() => undefined)))
  return [...new Set(found.flatMap((program) => (program === undefined ? [] : dirname(program))))]
}

async function judgeNamed(folder: string, user: ServerUser): Promise<PostgresBinaries> {
  const judged = await judgeFolder(folder, user)
  if ('version' in judged) return { folder, version: judged.version, source: 'SCISSION_POSTGRES_BIN', passedOver: [] }
  throw new Failure(
    2,
    `SCISSION_POSTGRES_BIN names ${folder}, which does not serve: ${judged.fault}. Let it name the folder of a PostgreSQL 14 or newer, or leave it out.`,
  )
}

async function judgeFolder(folder: string, user: ServerUser): Promise<Judged> {
  const missing: string[] = []
  for (const program of PROGRAMS) if (!(await isFile(`${folder}/${program}`))) missing.push(program)
  if (missing.length > 0) return { fault: `it lacks ${missing.join(' and ')}` }
  return judgeVersion(await runProgram(`${folder}/postgres`, ['--version'], user), OLDEST)
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true
}
