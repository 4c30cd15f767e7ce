import { randomBytes } from 'node:crypto'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { Failure } from '../../contracts/failure.ts'
import { timeIsUp, within } from './deadline.ts'
import type { GuardedFolder } from './guarded-folder.ts'
import { giveToOwnerOf } from './own-folder.ts'
import { runProgram } from './run-program.ts'
import { readLog } from './server-start.ts'

/** A file of a package that was unpacked, or why there is none. */
export type UnpackedFile = { readonly file: string } | { readonly fault: string }

/** One source of the system's package manager: a mirror, and the suite that it is used for. */
export type PackageSource = { readonly mirror: string; readonly suite: string }

/** What to fetch, and the suites of Debian to try in order. */
export type WantedPackage = { readonly name: string; readonly file: string; readonly suites: readonly string[] }

/** Fetching the list of a suite's packages (10 MB) and one package may meet a slow mirror. */
const STEP_LIMIT_MS = 180_000
const GRACE_MS = 2_000

/** Suites by which a mirror is known to be one of Debian's own archive, whatever its address. */
const DEBIAN_SUITES: ReadonlySet<string> = new Set(
  'oldoldstable oldstable stable testing unstable sid buster bullseye bookworm trixie forky duke'.split(' '),
)

/**
 * Debian's keys as its own package installs them. The keyring of Debian 12 knows a key that the newer suites are signed
 * with as well. Where the file has another name, apt checks by the keys that it trusts in general: unsigned or wrongly
 * signed lists are refused in any case.
 */
const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp']

/**
 * Fetches a package from the Debian mirror that this machine already uses and unpacks it into `folder`, by the
 * system's own package manager with lists and caches of its own: nothing is installed, no root is needed, and
 * signatures are checked as ever. See apt-get(8), `indextargets` and `download`.
 */
export async function unpackDebianPackage(folder: GuardedFolder, wanted: WantedPackage): Promise<UnpackedFile> {
  // Without --no-release-info there is no answer where the lists were never fetched, as in a container's image.
  const question = ['indextargets', '--no-release-info', '--format', '$(REPO_URI) $(RELEASE)']
  const listed = await runProgram('apt-get', question, folder.user)
  if (listed.status !== 0) return { fault: 'this system has no apt-get, as Debian has' }
  const mirrors = debianMirrors(parseSources(listed.output))
  if (mirrors.length === 0) return { fault: 'the package manager uses no mirror of Debian' }
  for (const suite of wanted.suites) {
    for (const mirror of mirrors) {
      const found = await unpackFrom(folder, wanted, { mirror, suite })
      if (found) return { file: found }
    }
  }
  const complaints = complaintsOf(await readLog(folder.path))
  return {
    fault: `${mirrors.join(', ')} did not give ${wanted.name} of Debian ${wanted.suites.join(' or ')} (${complaints})`,
  }
}

/** The last errors and warnings that apt has printed, as one line. */
export function complaintsOf(log: string): string {
  return (log.match(/^[EW]: .*$/gm) ?? []).slice(-2).join(' ')
}

/** Reads lines of `<mirror> <suite>`. */
export function parseSources(output: string): PackageSource[] {
  return output.split('\n').flatMap((line) => {
    const [mirror, suite] = line.trim().split(/\s+/)
    return mirror && suite ? { mirror, suite } : []
  })
}

/** The mirrors that hold Debian's own archive, each once. One for security updates alone does not count. */
export function debianMirrors(sources: readonly PackageSource[]): string[] {
  return [...new Set(sources.filter(({ suite }) => DEBIAN_SUITES.has(suite)).map(({ mirror }) => mirror))]
}

async function unpackFrom(
  folder: GuardedFolder,
  wanted: WantedPackage,
  source: PackageSource,
): Promise<string | undefined> {
  const place = `${folder.path}/apt-${source.suite}-${randomBytes(4).toString('hex')}`
  await makeWorkplace(folder.path, place, source)
  const options = aptOptions(place)
  if (!(await succeeds(folder, place, 'apt-get', [...options, 'update']))) return undefined
  if (!(await succeeds(folder, place, 'apt-get', [...options, 'download', wanted.name]))) return undefined
  const archive = (await readdir(place)).find((name) => name.endsWith('.deb'))
  if (archive === undefined || !(await succeeds(folder, place, 'dpkg', ['-x', archive, 'unpacked']))) return undefined
  const file = `${place}/unpacked/${wanted.file}`
  return (await stat(file).catch(() => undefined)) && file
}

async function succeeds(
  folder: GuardedFolder,
  workingFolder: string,
  program: string,
  args: readonly string[],
): Promise<boolean> {
  const environment = { LC_ALL: 'C' }
  const { ended } = await folder.run({ program, args, environment, signal: 'TERM', graceMs: GRACE_MS, workingFolder })
  const status = await within(STEP_LIMIT_MS, ended)
  if (status !== timeIsUp) return status === 0
  throw new Failure(1, `${program} ${args.at(-1)} took more than ${STEP_LIMIT_MS / 1000} s: is the mirror reachable?`)
}

async function makeWorkplace(folder: string, place: string, source: PackageSource): Promise<void> {
  const keyring = await firstThatExists(KEYRINGS)
  const files = {
    'state/status': '',
    'debian.sources': sourcesFile(source, keyring),
  }
  for (const part of ['state/lists/partial', 'cache/archives/partial']) {
    await mkdir(`${place}/${part}`, { recursive: true })
  }
  for (const [name, text] of Object.entries(files)) await writeFile(`${place}/${name}`, text)
  await giveToOwnerOf(folder, place)
}

/** A list of package sources in the format of sources.list(5). */
export function sourcesFile({ mirror, suite }: PackageSource, keyring: string | undefined): string {
  const lines = ['Types: deb', `URIs: ${mirror}`, `Suites: ${suite}`, 'Components: main']
  return [...lines, ...(keyring === undefined ? [] : [`Signed-By: ${keyring}`]), ''].join('\n')
}

/** Given on the command line, since there they prevail over whatever the system's own files say. */
function aptOptions(place: string): string[] {
  const options = {
    'Dir::Etc::sourcelist': `${place}/debian.sources`,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': `${place}/state`,
    'Dir::State::status': `${place}/state/status`,
    'Dir::Cache': `${place}/cache`,
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

async function firstThatExists(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await stat(file).catch(() => undefined)) return file
  return undefined
}
