import { randomBytes } from 'node:crypto'
import { copyFile, rename, rm, stat } from 'node:fs/promises'
import { Failure } from '../../contracts/failure.ts'
import { unpackDebianPackage, type WantedPackage } from './debian-package.ts'
import type { GuardedFolder } from './guarded-folder.ts'
import { createOwnFolder, giveToOwnerOf, isRefusal } from './own-folder.ts'
import { programsFolder } from './project-folder.ts'
import { runProgram, type Environment } from './run-program.ts'
import type { ServerUser } from './unprivileged-user.ts'
import { judgeVersion, type Judged } from './version.ts'

/** A nats-server, where it was found, and what was passed over on the way and why. */
export type NatsBinary = {
  readonly program: string
  readonly version: string
  readonly source: string
  readonly passedOver: readonly string[]
}

/** 2.10.20 to 2.10.22 could lose a stream when they were killed, and 2.9 lacks what the log relies on. */
const OLDEST = [2, 10, 23] as const
const OLDEST_NAME = OLDEST.join('.')

/** What an earlier run unpacked. */
const storedProgram = `${programsFolder}/nats-server-${process.platform}-${process.arch}`

/** Debian 13 has 2.10.27; unstable is asked only where a mirror has that suite no longer. */
const DEBIAN_PACKAGE: WantedPackage = {
  name: 'nats-server',
  file: 'usr/sbin/nats-server',
  suites: ['trixie', 'unstable'],
}

/**
 * Finds a nats-server that the folder's user can run: the one that SCISSION_NATS_SERVER names, else the PATH's, else Debian's,
 * unpacked by way of `folder` and kept for later runs.
 *
 * @throws Failure where SCISSION_NATS_SERVER names none that serves, or where nothing serves.
 */
export async function findNatsBinary(environment: Environment, folder: GuardedFolder): Promise<NatsBinary> {
  const { user } = folder
  const named = environment['SCISSION_NATS_SERVER']
  if (named) return judgeNamed(named, user)
  const passedOver: string[] = []
  for (const place of (environment['PATH'] ?? '').split(':')) {
    const program = `${place}/nats-server`
    if (!place.startsWith('/') || !(await isFile(program))) continue
    const judged = await judge(program, user)
    if ('version' in judged) return { program, version: judged.version, source: 'the PATH', passedOver }
    passedOver.push(`nats-server from the PATH (${program}) is passed over: ${judged.fault}.`)
  }
  return debianBinary(folder, passedOver)
}

async function judgeNamed(program: string, user: ServerUser): Promise<NatsBinary> {
  const judged = await judge(program, user)
  if ('version' in judged) return { program, version: judged.version, source: 'SCISSION_NATS_SERVER', passedOver: [] }
  throw new Failure(
    2,
    `SCISSION_NATS_SERVER names ${program}, which does not serve: ${judged.fault}. Let it name a nats-server ${OLDEST_NAME} or newer, or leave it out.`,
  )
}

async function debianBinary(folder: GuardedFolder, passedOver: readonly string[]): Promise<NatsBinary> {
  const source = "Debian's package"
  for await (const program of storedPrograms(folder.path)) {
    const judged = await judge(program, folder.user)
    if ('version' in judged) return { program, version: judged.version, source, passedOver }
  }
  const unpacked = await unpackDebianPackage(folder, DEBIAN_PACKAGE)
  if ('fault' in unpacked) throw new Failure(4, [...passedOver, nothingServes(unpacked.fault)].join(' '))
  const judged = await judge(unpacked.file, folder.user)
  if ('fault' in judged) throw new Failure(4, [...passedOver, nothingServes(judged.fault)].join(' '))
  await keep(unpacked.file)
  return { program: unpacked.file, version: judged.version, source, passedOver }
}

function nothingServes(fault: string): string {
  return `No nats-server was found to run here: Debian's package cannot be had, since ${fault}. Install nats-server ${OLDEST_NAME} or newer (https://github.com/nats-io/nats-server/releases), or let SCISSION_NATS_SERVER name the program.`
}

/** What an earlier run kept: where it lies, else copied to where the servers' user can reach it. */
async function* storedPrograms(folder: string): AsyncGenerator<string> {
  if (!(await isFile(storedProgram))) return
  yield storedProgram
  const copy = `${folder}/nats-server`
  await copyFile(storedProgram, copy)
  yield copy
}

/** The program appears under its name at once and whole, whoever else fetches it at the same time. */
async function keep(file: string): Promise<void> {
  const draft = `${storedProgram}.${randomBytes(4).toString('hex')}`
  try {
    await createOwnFolder(programsFolder)
    await copyFile(file, draft)
    await giveToOwnerOf(programsFolder, draft)
    await rename(draft, storedProgram)
  } catch (error) {
    await rm(draft, { force: true })
    // In a project that is read only the next run fetches it again.
    if (!isRefusal(error)) throw error
  }
}

async function judge(program: string, user: ServerUser): Promise<Judged> {
  return judgeVersion(await runProgram(program, ['--version'], user), OLDEST)
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true
}
