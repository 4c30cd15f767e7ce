import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { runProgram } from './run-program.ts'

/** Makes a folder with its parents. Made by root, they go to the owner of what they are in, who may come next alone. */
export async function createOwnFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first !== undefined) await giveToOwnerOf(dirname(first), first)
}

/** Made by root, a file or a folder with all that it holds goes to the owner of `place`, so that others can remove it. */
export async function giveToOwnerOf(place: string, made: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(place)
  if (uid === 0) return
  const { status, output } = await runProgram('chown', ['-R', '-h', `${uid}:${gid}`, made])
  if (status !== 0) throw new Error(`chown of ${made} failed: ${output}`)
}

/** Whether the file system refused, as for a folder of someone else's, or for one that is mounted to be read only. */
export function isRefusal(error: unknown): boolean {
  return hasCode(error, ['EACCES', 'EPERM', 'EROFS'])
}

/** Whether an error of the system bears one of these codes. */
export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
