// @ts-check
// Installs the npm packages when they are missing or are not those of package-lock.json, so that a fresh clone needs
// one command only. It is plain JavaScript without dependencies, since it runs before there are any.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {boolean} [link]
 * @property {boolean} [optional]
 * @property {boolean} [dev]
 * @property {readonly string[]} [os]
 * @property {readonly string[]} [cpu]
 * @property {readonly string[]} [libc]
 */
/** @typedef {Record<string, LockedPackage>} LockedPackages */
/** @typedef {{ platform: string, arch: string, development: boolean, native: boolean }} Needs */

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)))
const lockFile = join(projectFolder, 'package-lock.json')
const stampFile = join(projectFolder, 'node_modules', '.scission-installed')
const mutex = join(projectFolder, '.scission', 'install.lock')

/** Who holds the mutex shows every second that it lives; one that has not for ten was killed. */
const SIGN_OF_LIFE_MS = 1_000
const STALE_MS = 10_000
const ASK_AGAIN_MS = 100

/** These scripts need what is only for development as well. */
const DEVELOPMENT_SCRIPTS = ['pretest', 'precheck']

/**
 * Whether `version`, as v20.19.0, is at least what `range`, as >=20.19, asks for.
 * @param {string} version
 * @param {string} range
 */
function isNewEnough(version, range) {
  const [have = [], need = []] = [version, range].map((text) => text.replace(/^\D+/, '').split('.').map(Number))
  for (let i = 0; i < need.length; i++) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/**
 * The packages that must be there and are not, or not in that version.
 * @param {LockedPackages} wanted those of package-lock.json
 * @param {LockedPackages} installed those of node_modules/.package-lock.json, which npm writes when it is done
 * @param {Needs} needs
 */
function missingPackages(wanted, installed, needs) {
  return Object.entries(wanted)
    .filter(([path, entry]) => path !== '' && entry.link !== true)
    .filter(([path, entry]) => path in installed || isNeeded(entry, needs))
    .filter(([path, entry]) => installed[path]?.version !== entry.version)
    .map(([path]) => path)
}

/**
 * Of the optional packages only the programs for this system are needed, as esbuild's: node_modules may have come from
 * another one. Those for one C library are not asked for, since which one this is would take too long to find out.
 * @param {LockedPackage} entry
 * @param {Needs} needs
 */
function isNeeded({ dev, optional, os, cpu, libc }, needs) {
  if (dev && !needs.development) return false
  if (!optional) return true
  if (!needs.native || !os || !cpu || libc) return false
  return os.includes(needs.platform) && cpu.includes(needs.arch)
}

/** @param {boolean} development */
function isInstalled(development) {
  const list = join(projectFolder, 'node_modules', '.package-lock.json')
  if (!existsSync(list)) return false
  const installed = readPackages(list)
  // After an installation of ours npm has put in all that it could: it would not do better a second time.
  const native = !existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp()
  const needs = { platform: process.platform, arch: process.arch, development, native }
  if (missingPackages(readPackages(lockFile), installed, needs).length > 0) return false
  // The list outlives the packages that somebody removed by hand.
  return Object.keys(installed).every((path) => existsSync(join(projectFolder, path, 'package.json')))
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}

/** What an installation is for: these packages, on this system. */
function stamp() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex')
  return `${hash} ${process.platform} ${process.arch}\n`
}

/** Takes the mutex, waiting as long as somebody who lives holds it. It is let go when this process ends. */
async function takeMutex() {
  mkdirSync(dirname(mutex), { recursive: true })
  for (let told = false; !tryMutex(); told = true) {
    if (!told) process.stderr.write('Waiting for another installation of the npm packages to end.\n')
    if (isStale(mutex)) removeStale()
    else await sleep(ASK_AGAIN_MS)
  }
  process.on('exit', () => rmSync(mutex, { recursive: true, force: true }))
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.on(signal, () => process.exit(status))
  }
  setInterval(() => utimesSync(mutex, new Date(), new Date()), SIGN_OF_LIFE_MS).unref()
}

function tryMutex() {
  try {
    mkdirSync(mutex)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** @param {string} folder */
function isStale(folder) {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS
}

/** Of several that find the mutex stale, one renames it; what was taken anew in between is put back. */
function removeStale() {
  const aside = `${mutex}.${randomBytes(4).toString('hex')}`
  try {
    renameSync(mutex, aside)
    if (isStale(aside)) rmSync(aside, { recursive: true, force: true })
    else renameSync(aside, mutex)
  } catch {
    // Somebody else was faster.
  }
}

/** Runs `npm ci` and shows what it said only if it failed; standard output stays free for data. */
async function install() {
  process.stderr.write('Installing the npm packages (npm ci) …\n')
  const own = process.env['npm_execpath'] ?? ''
  const [program, first] = own.endsWith('npm-cli.js') ? [process.execPath, [own]] : ['npm', []]
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error']
  const npm = spawn(program, [...first, 'ci', ...options], { cwd: projectFolder, stdio: ['ignore', 'pipe', 'pipe'] })
  process.on('exit', () => npm.kill())
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (output += chunk))
  const status = await new Promise((resolve) => {
    npm.on('error', (error) => resolve(error.message))
    npm.on('close', (code, signal) => resolve(code ?? signal))
  })
  if (status === 0) return writeFileSync(stampFile, stamp())
  process.stderr.write(`${output}The npm packages could not be installed: npm ci ended with ${status}.\n`)
  process.exit(1)
}

async function main() {
  const { engines } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
  if (!isNewEnough(process.version, engines.node)) {
    process.stderr.write(
      `Scission needs Node ${engines.node}, and this is ${process.version}: install a newer one (https://nodejs.org).\n`,
    )
    process.exit(2)
  }
  const development = DEVELOPMENT_SCRIPTS.includes(process.env['npm_lifecycle_event'] ?? '')
  if (isInstalled(development)) return
  await takeMutex()
  if (!isInstalled(development)) await install()
}

await main()
