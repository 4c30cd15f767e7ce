import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectFolder } from '../../../infra/embedded/project-folder.ts'

/** A project with two packages, one of them for development, and an npm that does as it is told by the environment. */
type Project = {
  readonly folder: string
  run(environment?: Record<string, string>): Promise<{ status: number | null; stdout: string; stderr: string }>
  /** The arguments of each call of npm. */
  calls(): Promise<string[]>
}

const lock = {
  '': {},
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', dev: true },
  'node_modules/other-system': { version: '1.0.0', optional: true, os: ['none'], cpu: ['none'] },
}

const npm = `
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs')
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
console.log('npm says something')
if (process.env.NPM_FAILS) process.exit(7)
setTimeout(() => {
  const { packages } = JSON.parse(require('node:fs').readFileSync('package-lock.json', 'utf8'))
  const installed = Object.entries(packages).filter(([path, { optional }]) => path && !optional)
  for (const [path] of installed) {
    mkdirSync(path, { recursive: true })
    writeFileSync(path + '/package.json', '{}')
  }
  writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(installed) }))
}, 300)
`

async function withProject(use: (project: Project) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(`${tmpdir()}/install-`)
  try {
    await mkdir(`${folder}/infra`)
    await copyFile(`${projectFolder}/infra/install.mjs`, `${folder}/infra/install.mjs`)
    await writeFile(`${folder}/package.json`, JSON.stringify({ engines: { node: '>=20.19' } }))
    await writeFile(`${folder}/package-lock.json`, JSON.stringify({ packages: lock }))
    await writeFile(`${folder}/npm-cli.js`, npm)
    const calls = () =>
      readFile(`${folder}/calls`, 'utf8').then(
        (text) => text.trim().split('\n'),
        () => [],
      )
    await use({ folder, run: (environment = {}) => runInstall(folder, environment), calls })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function runInstall(folder: string, environment: Record<string, string>): ReturnType<Project['run']> {
  const env = { npm_execpath: `${folder}/npm-cli.js`, npm_lifecycle_event: 'pretest', ...environment }
  const child = spawn(process.execPath, [`${folder}/infra/install.mjs`], { env })
  const printed = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (printed.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed.stderr += chunk.toString()))
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, ...printed })))
}

const installing = 'Installing the npm packages (npm ci) …\n'

test('missing packages are installed once, with one line on standard error and none on standard output', () =>
  withProject(async ({ run, calls }) => {
    assert.equal(await run(), { status: 0, stdout: '', stderr: installing })
    assert.equal(await run(), { status: 0, stdout: '', stderr: '' })
    const [call, ...others] = await calls()
    assert.match(call ?? '', /^ci --ignore-scripts --no-audit --no-fund/)
    assert.is(others.length, 0)
  }))

test('packages are installed again when the lock asks for others, or when one was removed by hand', () =>
  withProject(async ({ folder, run, calls }) => {
    await run()
    await rm(`${folder}/node_modules/a`, { recursive: true })
    await run()
    const changed = { packages: { ...lock, 'node_modules/a': { version: '1.0.1' } } }
    await writeFile(`${folder}/package-lock.json`, JSON.stringify(changed))
    await run()
    assert.is((await calls()).length, 3)
  }))

test('an installation without what is for development is enough to run, and not to test', () =>
  withProject(async ({ folder, run, calls }) => {
    await run()
    await rm(`${folder}/node_modules/b`, { recursive: true })
    const installed = { packages: { 'node_modules/a': { version: '1.0.0' } } }
    await writeFile(`${folder}/node_modules/.package-lock.json`, JSON.stringify(installed))
    await run({ npm_lifecycle_event: 'predemo' })
    assert.is((await calls()).length, 1)
    await run({ npm_lifecycle_event: 'pretest' })
    assert.is((await calls()).length, 2)
  }))

test('a native package that is for this system is asked for, but not again after npm could not have it', () =>
  withProject(async ({ folder, run, calls }) => {
    const native = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] }
    await run()
    await rm(`${folder}/node_modules/.scission-installed`)
    await run()
    assert.is((await calls()).length, 1)
    await writeFile(`${folder}/package-lock.json`, JSON.stringify({ packages: { ...lock, 'node_modules/n': native } }))
    await run()
    await run()
    assert.is((await calls()).length, 2)
  }))

test('of two that start at once one installs, and the other one waits', () =>
  withProject(async ({ run, calls }) => {
    const results = await Promise.all([run(), run()])
    assert.equal(
      results.map(({ status }) => status),
      [0, 0],
    )
    assert.is((await calls()).length, 1)
  }))

test('what a killed installation left does not stop the next one', () =>
  withProject(async ({ folder, run, calls }) => {
    await mkdir(`${folder}/.scission/install.lock`, { recursive: true })
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(`${folder}/.scission/install.lock`, longAgo, longAgo)
    assert.is((await run()).status, 0)
    assert.is((await calls()).length, 1)
  }))

test('a failed installation shows what npm said', () =>
  withProject(async ({ run }) => {
    const { status, stdout, stderr } = await run({ NPM_FAILS: 'yes' })
    assert.equal([status, stdout], [1, ''])
    assert.match(stderr, 'npm says something\nThe npm packages could not be installed: npm ci ended with 7.')
  }))

test('a Node that is too old is refused with a sentence', () =>
  withProject(async ({ folder, run, calls }) => {
    await writeFile(`${folder}/package.json`, JSON.stringify({ engines: { node: '>=99.1' } }))
    const { status, stderr } = await run()
    assert.is(status, 2)
    assert.match(stderr, `Scission needs Node >=99.1, and this is ${process.version}`)
    assert.equal(await calls(), [])
  }))

test.run()
