import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { folderOwner, privateFolderPlaces, type FolderOwner } from './private-folder.ts'
import { processSpace, processStart } from './process-identity.ts'
import { runProgram } from './run-program.ts'
import type { ServerUser } from './unprivileged-user.ts'

/** A process and its command line, words apart by blanks. */
export type RunningProgram = { readonly pid: number; readonly commandLine: string }

/**
 * Ends and removes what earlier runs left behind whose guard could not do its work: it was killed together with its
 * owner, or the machine went down. Folders whose owner lives, or whose owner we cannot see, stay.
 */
export async function removeAbandonedFolders(user: ServerUser, places = privateFolderPlaces): Promise<void> {
  const space = await processSpace()
  for (const place of places) {
    for (const name of await readdir(place).catch(() => [])) {
      const owner = folderOwner(name)
      if (owner?.space !== space || (await isAlive(owner))) continue
      if (!(await isOurs(`${place}/${name}`, user))) continue
      // Another start may be at the same folder; what neither could remove, the next one will.
      await removeFolderAndPrograms(`${place}/${name}`).catch(() => {})
    }
  }
}

/** Kills what runs over `folder`, by the command lines that name it, and removes it. Does nothing where it is gone. */
export async function removeFolderAndPrograms(folder: string): Promise<void> {
  if (!(await exists(folder))) return
  for (const { pid } of programsOver(folder, await runningPrograms())) kill(pid)
  // A server that dies may still write for a moment, so that the removal finds a folder filled again.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}

/**
 * Those that run over `folder`: guards, servers with its data or its configuration, and what fetches a package into it.
 * A pager or an editor that somebody opened on its log is none of our business.
 */
export function programsOver(folder: string, running: readonly RunningProgram[]): RunningProgram[] {
  const files = ['/guard.sh', '/data', '/nats-', '/apt-'].map((file) => `${folder}${file}`)
  return running.filter(({ commandLine }) => files.some((file) => commandLine.includes(file)))
}

async function runningPrograms(): Promise<RunningProgram[]> {
  return process.platform === 'linux' ? programsFromProc() : programsFromPs()
}

async function programsFromProc(): Promise<RunningProgram[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = async (pid: string) => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return { pid: Number(pid), commandLine: line.replaceAll('\0', ' ') }
  }
  return Promise.all(pids.map(read))
}

async function programsFromPs(): Promise<RunningProgram[]> {
  const { output } = await runProgram('ps', ['-axww', '-o', 'pid=,args='])
  return output.split('\n').map((line) => {
    const [, pid, commandLine = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? []
    return { pid: Number(pid), commandLine }
  })
}

async function isAlive(owner: FolderOwner): Promise<boolean> {
  return (await processStart(owner.pid)) === owner.start
}

/** In a folder that all may write, a name alone proves nothing: only what our servers' user owns is ours to remove. */
async function isOurs(folder: string, user: ServerUser): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return found?.uid === (user.ids?.uid ?? process.getuid?.())
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself since we looked.
  }
}

async function exists(folder: string): Promise<boolean> {
  return lstat(folder).then(
    () => true,
    () => false,
  )
}
