import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { z } from 'zod'
import { Failure } from '../../contracts/failure.ts'
import { hasCode } from '../embedded/own-folder.ts'
import { type FolderOwner, ownIdentity } from '../embedded/private-folder.ts'
import { processStart } from '../embedded/process-identity.ts'
import { type BackupManifest, DUMP_FOLDER, MANIFEST_FILE, manifestText } from './manifest.ts'

/**
 * The folder of a backup that is under way. On disk it goes through these states, and a crash leaves one of them:
 *
 * - nothing: no backup was begun, or it was given up and removed.
 * - `DIR.partial` with the file `writing`, which names the process that writes there: begun; pg_dump writes into a
 *   subfolder of a name of its own, so that a pg_dump that outlives its backup cannot write into the next one.
 * - the same with `dump` and the manifest: read back whole, and not (yet) proven.
 * - `DIR.partial` with the manifest and without `writing`: about to be renamed, or left unproven.
 * - `DIR`: complete.
 *
 * Whatever is left as `DIR.partial` is begun again by the next backup into DIR.
 */
export interface TargetFolder {
  /** `DIR.partial`. */
  readonly partial: string
  /** Where pg_dump writes; it must not exist before. */
  readonly draft: string
  /** Gives the finished dump its name, and puts the manifest beside it. */
  keep(manifest: BackupManifest): Promise<void>
  /** Replaces the manifest, and gives the whole its name. */
  complete(manifest: BackupManifest): Promise<void>
  /** For a backup that ends before it is complete: removes all of it, or, once it was kept, lets go of it. */
  leave(): Promise<void>
}

const OWNER_FILE = 'writing'

/** For the operator's user alone: a dump holds every password and every secret of the monolith's. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** The process that writes, and a number of its own by which it knows the folder again. */
const OWNER = z.object({ pid: z.number(), start: z.string(), space: z.string(), host: z.string(), token: z.string() })
type Owner = z.infer<typeof OWNER>

/** @throws Failure 4 where DIR is there already, or the folder that shall hold it is not. */
export async function refuseOccupied(folder: string): Promise<void> {
  if (await exists(folder))
    throw new Failure(4, `${folder} exists already, and a backup overwrites nothing: name another folder with --out.`)
  const parent = await stat(dirname(folder)).catch(() => null)
  if (parent?.isDirectory() !== true)
    throw new Failure(4, `There is no folder ${dirname(folder)} to put a backup into: make it, or correct --out.`)
}

/**
 * Makes `DIR.partial`. What a backup that ended before its time left there is removed.
 * @throws Failure 4 where another backup is at work there, or what lies there is not a backup's.
 */
export async function claimFolder(folder: string): Promise<TargetFolder> {
  await refuseOccupied(folder)
  const partial = `${folder}.partial`
  const found = await lookAt(partial)
  const verdict = judgePartial(found, await ownIdentity(), await isAlive(found))
  if (verdict.kind === 'refused') throw new Failure(4, `${partial} ${verdict.because}`)
  const token = randomBytes(8).toString('hex')
  await asFolderFailure(folder, async () => {
    if (verdict.kind === 'begin again') await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: FOLDER_MODE })
    await writeOwner(partial, token)
  })
  return targetFolder(folder, partial, token)
}

/** What lies at `DIR.partial`. */
export type FoundPartial =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'ours'; readonly owner: Owner | null }
  | { readonly kind: 'not ours' }

export type PartialVerdict =
  | { readonly kind: 'begin' }
  | { readonly kind: 'begin again' }
  | { readonly kind: 'refused'; readonly because: string }

/** Decides what to do with what lies at `DIR.partial`; `isOwnerAlive` is known of processes of our own space alone. */
export function judgePartial(
  found: FoundPartial,
  { space }: Pick<FolderOwner, 'space'>,
  isOwnerAlive: boolean,
): PartialVerdict {
  if (found.kind === 'nothing') return { kind: 'begin' }
  if (found.kind === 'not ours')
    return { kind: 'refused', because: 'is in the way and was not made by a backup: move it, or name another folder.' }
  if (found.owner === null) return { kind: 'begin again' }
  if (isOwnerAlive)
    return { kind: 'refused', because: `is being written by another backup (process ${found.owner.pid}): let it end.` }
  if (found.owner.space !== space)
    return {
      kind: 'refused',
      because: `belongs to a backup on another machine or in another container (${found.owner.host}, process ${found.owner.pid}): if that has ended, remove the folder.`,
    }
  return { kind: 'begin again' }
}

async function lookAt(partial: string): Promise<FoundPartial> {
  if (!(await exists(partial))) return { kind: 'nothing' }
  const names = await readdir(partial).catch(() => null)
  // A folder without anything in it is what a crash leaves behind its very first step.
  if (names === null || (names.length > 0 && !names.includes(OWNER_FILE) && !names.includes(MANIFEST_FILE)))
    return { kind: 'not ours' }
  return { kind: 'ours', owner: await readOwner(partial) }
}

/** Null where there is none, or where a crash cut the file short, which its writer did not survive. */
async function readOwner(partial: string): Promise<Owner | null> {
  try {
    return OWNER.parse(JSON.parse(await readFile(`${partial}/${OWNER_FILE}`, 'utf8')))
  } catch {
    return null
  }
}

/** Another backup that began in the same moment may have taken an empty folder for one that a crash left. */
async function assertOwn(partial: string, token: string): Promise<void> {
  if ((await readOwner(partial))?.token !== token) throw takenFailure(partial)
}

function takenFailure(partial: string, cause?: unknown): Failure {
  return new Failure(
    4,
    `${partial} was taken or removed by somebody else: run backup again when nobody is at work there.`,
    {
      cause,
    },
  )
}

async function isAlive(found: FoundPartial): Promise<boolean> {
  if (found.kind !== 'ours' || found.owner === null) return false
  const { space } = await ownIdentity()
  return found.owner.space === space && (await processStart(found.owner.pid)) === found.owner.start
}

/** Of two backups that begin in the same moment, the one that makes this file goes on. */
async function writeOwner(partial: string, token: string): Promise<void> {
  const owner: Owner = { ...(await ownIdentity()), host: hostname(), token }
  try {
    await writeSynced(`${partial}/${OWNER_FILE}`, JSON.stringify(owner), 'wx')
    await syncFolder(partial)
  } catch (error) {
    if (isNoRoom(error)) await rm(partial, { recursive: true, force: true })
    throw error
  }
}

function targetFolder(folder: string, partial: string, token: string): TargetFolder {
  const draft = `${partial}/${DUMP_FOLDER}-${token}`
  let isKept = false
  const putManifest = async (manifest: BackupManifest): Promise<void> => {
    const file = `${partial}/${MANIFEST_FILE}`
    await writeSynced(`${file}.new`, manifestText(manifest), 'w')
    await rename(`${file}.new`, file)
  }
  return {
    partial,
    draft,
    keep: async (manifest) =>
      await asFolderFailure(folder, async () => {
        await assertOwn(partial, token)
        await rename(draft, `${partial}/${DUMP_FOLDER}`)
        await putManifest(manifest)
        await syncFolder(partial)
        isKept = true
      }),
    complete: async (manifest) =>
      await asFolderFailure(folder, async () => {
        await refuseOccupied(folder)
        await assertOwn(partial, token)
        await putManifest(manifest)
        await rm(`${partial}/${OWNER_FILE}`)
        await syncFolder(partial)
        await rename(partial, folder)
        await syncFolder(dirname(folder))
      }),
    leave: async () => {
      // Complete, and gone under its own name; or another backup's by now.
      if ((await readOwner(partial))?.token !== token) return
      const left = isKept ? `${partial}/${OWNER_FILE}` : partial
      // What cannot be removed now is known by its owner's file, and the next backup removes it.
      await rm(left, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => undefined)
    },
  }
}

/** Says in an operator's words what the file system refuses. */
export async function asFolderFailure<Result>(folder: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (cause) {
    if (isNoRoom(cause)) throw fullFailure(folder, cause)
    if (hasCode(cause, ['EACCES', 'EPERM', 'EROFS']))
      throw new Failure(4, `${dirname(folder)} cannot be written: correct its permissions, or --out.`, { cause })
    if (hasCode(cause, ['EEXIST', 'ENOTEMPTY', 'ENOENT'])) throw takenFailure(`${folder}.partial`, cause)
    throw cause
  }
}

function isNoRoom(error: unknown): boolean {
  return hasCode(error, ['ENOSPC', 'EDQUOT'])
}

export function fullFailure(folder: string, cause?: unknown): Failure {
  return new Failure(
    4,
    `The file system of ${dirname(folder)} is full, so that the backup was given up: make room, or name a folder elsewhere with --out.`,
    { cause },
  )
}

async function writeSynced(file: string, text: string, flags: 'w' | 'wx'): Promise<void> {
  const handle = await open(file, flags, FILE_MODE)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A name is on disk once its folder is. Manual: fsync(2). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
