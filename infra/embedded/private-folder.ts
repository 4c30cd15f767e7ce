import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { Failure } from '../../contracts/failure.ts'
import { createOwnFolder, isRefusal } from './own-folder.ts'
import { processSpace, processStart } from './process-identity.ts'
import { scissionFolder } from './project-folder.ts'
import { runProgram } from './run-program.ts'
import type { ServerUser } from './unprivileged-user.ts'

/** The process that a private folder belongs to, as the folder's name tells it. */
export type FolderOwner = { readonly pid: number; readonly start: string; readonly space: string }

const PREFIX = 'scission-'
const runFolder = `${scissionFolder}/run`

/**
 * The places that hold private folders: the project's, and the system's temporary one for a server user who cannot
 * reach the project (as when it lies in root's home).
 */
export const privateFolderPlaces: readonly string[] = [runFolder, tmpdir()]

/** The owner is in the name, so that a folder is never without one, not even for the moment after it is made. */
export function privateFolderName(owner: FolderOwner, random: string): string {
  return `${PREFIX}${owner.pid}-${owner.start}-${owner.space}-${random}`
}

/** The owner that a folder's name tells, or `undefined` where the folder is not one of ours. */
export function folderOwner(name: string): FolderOwner | undefined {
  const match = /^scission-(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]+$/.exec(name)
  const [, pid, start, space] = match ?? []
  return pid && start && space ? { pid: Number(pid), start, space } : undefined
}

/** This process, as the owner of private folders. */
export async function ownIdentity(): Promise<FolderOwner> {
  return { pid: process.pid, start: (await processStart(process.pid)) ?? '0', space: await processSpace() }
}

/** Makes a new folder that only `user` can enter (mode 0700), in the first place where `user` reaches it. */
export async function createPrivateFolder(user: ServerUser, places = privateFolderPlaces): Promise<string> {
  const name = privateFolderName(await ownIdentity(), randomBytes(4).toString('hex'))
  for (const place of places) {
    const folder = await tryFolder(place, name, user)
    if (folder) return folder
  }
  throw new Failure(
    4,
    `No private folder for the embedded servers could be made in ${places.join(' or ')}: make one of them writable.`,
  )
}

async function tryFolder(place: string, name: string, user: ServerUser): Promise<string | undefined> {
  const folder = `${place}/${name}`
  try {
    if (place === runFolder) await createRunFolder(user)
    await mkdir(folder, { mode: 0o700 })
    if (user.ids) await chown(folder, user.ids.uid, user.ids.gid)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
  if (await canEnter(folder, user)) return folder
  await rmdir(folder)
  return undefined
}

/**
 * Made by root, it is for every account to make folders in and for none to remove another's, as /tmp is: the guard
 * that removes a private folder at the end runs as the servers' user.
 */
async function createRunFolder(user: ServerUser): Promise<void> {
  await createOwnFolder(runFolder)
  if (user.ids) await chmod(runFolder, 0o1777)
}

async function canEnter(folder: string, user: ServerUser): Promise<boolean> {
  if (user.ids === undefined) return true
  const { status } = await runProgram('test', ['-w', folder], user)
  return status === 0
}
