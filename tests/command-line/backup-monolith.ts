import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { REAL } from '../infra/backup/own-programs.ts'
import { withFolder } from '../infra/backup/with-backup.ts'
import { withDatabase } from '../with-servers.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** Long enough for a busy machine, and no test that passes ever waits for it. */
const LIMIT_MS = 20_000

export async function withMonolith(use: (url: string, folder: string) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    await generateMonolith(url, { elements: 50, seed: 1 })
    await withFolder(async (folder) => await use(url, folder))
  })
}

export function backUp(url: string, folder: string, ...flags: string[]): Promise<CommandResult> {
  return runCommand(['backup', '--out', 'today', ...flags], { environment: { MONOLITH_DATABASE_URL: url }, folder })
}

export async function waitUntil(what: string, isTrue: () => boolean): Promise<void> {
  const limitMs = Date.now() + LIMIT_MS
  while (!isTrue()) {
    if (Date.now() > limitMs) throw new Error(`It did not come about that ${what}`)
    await delay(50)
  }
}

/** Every process of this machine whose command line holds a text. */
export function programsWith(text: string): { readonly pid: string; readonly commandLine: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, commandLine: commandLineOf(pid) }))
    .filter(({ commandLine }) => commandLine.includes(text))
}

export function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Whether a held program has written which process it is: the file is there a moment before its content. */
export function isHeld(folder: string): boolean {
  const file = `${folder}/held`
  return existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')
}

/** A pg_dump that has done its work and does not end, and tells its process by a file. */
export function heldDump(folder: string): string {
  return `${REAL} "$@" && echo $$ > ${folder}/held && exec sleep 300`
}
