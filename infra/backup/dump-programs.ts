import { readdir, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { Failure } from '../../contracts/failure.ts'
import { type Environment, runProgram } from '../embedded/run-program.ts'
import { isAtLeast, parseVersion } from '../embedded/version.ts'

/** A folder that holds pg_dump and pg_restore of one version. */
export interface DumpPrograms {
  readonly folder: string
  readonly version: string
}

/** A folder that was looked into, and what came of it. */
export type LookedInto =
  | ({ readonly source: string } & DumpPrograms)
  | { readonly source: string; readonly folder: string; readonly fault: string }

/** Where Debian and Ubuntu install each major version. */
const INSTALLED_VERSIONS = '/usr/lib/postgresql'

/** Debian's /usr/bin/pg_dump chooses a version by rules of its own; the programs that it chooses from are looked at. */
const DEBIAN_WRAPPER = 'pg_wrapper'

const PROGRAMS = ['pg_dump', 'pg_restore'] as const

/**
 * Finds pg_dump and pg_restore that can dump a server: in the folder that SCISSION_POSTGRES_BIN names, on the PATH, or
 * where Debian installs each version, the newest first. npm's PostgreSQL has neither.
 * @param server for example `15.18`.
 * @throws Failure 4 where there are none, or none that is as new as the server.
 */
export async function findDumpPrograms(
  environment: Environment,
  server: string,
  installed = INSTALLED_VERSIONS,
): Promise<DumpPrograms> {
  const looked: LookedInto[] = []
  for (const { folder, source } of await programFolders(environment, installed)) {
    const found = await lookInto(folder, source)
    if ('version' in found && servesFor(found.version, server)) return found
    looked.push(found)
  }
  throw noDumpPrograms(looked, server)
}

/** Every folder in which PostgreSQL's programs may be, in the order in which they are preferred. */
export async function programFolders(
  environment: Environment,
  installed = INSTALLED_VERSIONS,
): Promise<{ readonly folder: string; readonly source: string }[]> {
  const named = environment['SCISSION_POSTGRES_BIN']
  const onPath = (environment['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  const versions = (await readdir(installed).catch(() => [])).filter((name) => /^\d+$/.test(name))
  const newestFirst = versions.toSorted((one, other) => Number(other) - Number(one))
  return [
    ...(named ? [{ folder: named, source: 'SCISSION_POSTGRES_BIN' }] : []),
    ...onPath.map((folder) => ({ folder, source: 'the PATH' })),
    ...newestFirst.map((version) => ({ folder: `${installed}/${version}/bin`, source: installed })),
  ]
}

/** pg_dump reads servers of its own major version and of older ones. */
export function servesFor(version: string, server: string): boolean {
  return isAtLeast(majorOf(version), majorOf(server))
}

export function majorOf(version: string): readonly number[] {
  return (parseVersion(version) ?? []).slice(0, 1)
}

/** The sentence for what was looked into in vain. */
export function noDumpPrograms(looked: readonly LookedInto[], server: string): Failure {
  const [major] = majorOf(server)
  const install = `install PostgreSQL's client programs, version ${major} or later (on Debian and Ubuntu postgresql-client-${major}), or let SCISSION_POSTGRES_BIN name the folder that holds pg_dump and pg_restore.`
  const old = looked.filter((found) => 'version' in found)
  const [first] = old.toSorted((one, other) => (isAtLeast(numbers(one.version), numbers(other.version)) ? -1 : 1))
  if (first !== undefined)
    return new Failure(
      4,
      `The monolith runs PostgreSQL ${server}, and the newest pg_dump here is ${first.version} (${first.folder}), which cannot dump it: ${install}`,
    )
  // A folder of the PATH that has no pg_dump is no news; one that was named is.
  const named = looked.flatMap((found) =>
    found.source === 'SCISSION_POSTGRES_BIN' && 'fault' in found ? ` (${found.folder} ${found.fault})` : [],
  )
  return new Failure(4, `No pg_dump was found${named.join('')}: ${install}`)
}

function numbers(version: string): readonly number[] {
  return parseVersion(version) ?? []
}

async function lookInto(folder: string, source: string): Promise<LookedInto> {
  const versions = new Set<string>()
  for (const program of PROGRAMS) {
    const path = await realpath(`${folder}/${program}`).catch(() => null)
    if (path === null) return { folder, source, fault: `has no ${program}` }
    if (basename(path) === DEBIAN_WRAPPER) return { folder, source, fault: `has Debian's choice of versions` }
    const { status, output } = await runProgram(`${folder}/${program}`, ['--version'])
    const version = status === 0 ? parseVersion(output) : undefined
    if (version === undefined) return { folder, source, fault: `has a ${program} that cannot be run` }
    versions.add(version.join('.'))
  }
  const [version = '', another] = versions
  if (another !== undefined) return { folder, source, fault: 'has pg_dump and pg_restore of different versions' }
  return { folder, source, version }
}
