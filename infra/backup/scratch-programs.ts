import { Failure } from '../../contracts/failure.ts'
import { findPostgresBinaries } from '../embedded/postgres-binaries.ts'
import type { Environment } from '../embedded/run-program.ts'
import { findServerUser, type ServerUser } from '../embedded/unprivileged-user.ts'
import { isAtLeast } from '../embedded/version.ts'
import { type DumpPrograms, majorOf, programFolders } from './dump-programs.ts'

/**
 * The environment in which the embedded server is the one to prove a dump with: of the same major version as the monolith
 * and pg_dump, or of a later one. pg_dump's own folder comes first, since it often holds the server too.
 * @throws Failure 4 where there is none.
 */
export async function findScratchPrograms(
  environment: Environment,
  server: string,
  dumpPrograms: DumpPrograms,
): Promise<Environment> {
  const user = await findServerUser()
  const folders = await programFolders(environment)
  const named = [dumpPrograms.folder, ...folders.map(({ folder }) => folder)]
  const candidates: { readonly candidate: Environment; readonly runBy: ServerUser }[] = [
    ...named.map((folder) => ({ candidate: { SCISSION_POSTGRES_BIN: folder }, runBy: user })),
    // npm's package, which is put where the server's user reaches it once it is started.
    { candidate: { PATH: '' }, runBy: {} },
  ]
  const versions: string[] = []
  for (const { candidate, runBy } of candidates) {
    const found = await findPostgresBinaries(candidate, runBy).catch(() => null)
    if (found === null) continue
    if (canProve(found.version, server, dumpPrograms.version)) return candidate
    versions.push(found.version)
  }
  throw noScratchPrograms(versions, server, dumpPrograms.version)
}

/** What a dump holds is understood by servers of its program's version and later ones. */
export function canProve(version: string, server: string, pgDump: string): boolean {
  return isAtLeast(majorOf(version), majorOf(server)) && isAtLeast(majorOf(version), majorOf(pgDump))
}

export function noScratchPrograms(versions: readonly string[], server: string, pgDump: string): Failure {
  const needed = Math.max(...majorOf(server), ...majorOf(pgDump))
  const found = versions.length === 0 ? 'there is none here' : `there is ${[...new Set(versions)].join(' and ')} here`
  return new Failure(
    4,
    `--prove needs a PostgreSQL server of version ${needed} or later to restore into (the monolith runs ${server}, pg_dump is ${pgDump}), and ${found}: install one (on Debian and Ubuntu postgresql-${needed}), let SCISSION_POSTGRES_BIN name its folder, or leave --prove out.`,
  )
}
