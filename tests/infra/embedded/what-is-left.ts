import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderOwner, privateFolderPlaces } from '../../../infra/embedded/private-folder.ts'
import { runProgram } from '../../../infra/embedded/run-program.ts'

/** What still belongs to embedded servers that a process has started: folders, and processes that name one. */
export type Leftovers = { readonly folders: readonly string[]; readonly processes: readonly string[] }

export const nothing: Leftovers = { folders: [], processes: [] }

const LIMIT_MS = 10_000
const ASK_AGAIN_MS = 25

/** The private folders whose owner is the process `pid`. */
export async function foldersOf(pid: number): Promise<string[]> {
  const found = privateFolderPlaces.map(async (place) => {
    const names = await readdir(place).catch(() => [])
    return names.filter((name) => folderOwner(name)?.pid === pid).map((name) => `${place}/${name}`)
  })
  return (await Promise.all(found)).flat()
}

/** The ids and command lines of the processes that name a private folder of the process `pid`. */
export async function processesOver(pid: number): Promise<{ pid: number; line: string }[]> {
  const { output } = await runProgram('ps', ['-axww', '-o', 'pid=,args='])
  const lines = output.split('\n').filter((line) => line.includes(`/scission-${pid}-`))
  return lines.map((line) => ({ pid: Number.parseInt(line, 10), line: line.trim() }))
}

/** Waits until nothing is left of what `pid` started, and returns what is when the time is up. */
export async function whatIsLeftOf(pid: number): Promise<Leftovers> {
  const end = Date.now() + LIMIT_MS
  for (;;) {
    const left = { folders: await foldersOf(pid), processes: (await processesOver(pid)).map(({ line }) => line) }
    if (left.folders.length + left.processes.length === 0 || Date.now() > end) return left
    await sleep(ASK_AGAIN_MS)
  }
}
