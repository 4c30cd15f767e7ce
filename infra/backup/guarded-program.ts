import { open, rm, writeFile } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Guard, type ProgramEnd, startGuard } from '../embedded/guard.ts'
import { createPrivateFolder } from '../embedded/private-folder.ts'

/** A program of PostgreSQL's to run. Secrets are in its environment, which other users cannot read, never in `args`. */
export interface GuardedRun {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Files for it alone, by name, in the folder that stands for `FOLDER` in the environment's values. */
  readonly files?: Readonly<Record<string, string>>
}

/** Stands for the program's private folder in the values of its environment. */
export const FOLDER = '{folder}'

export interface ProgramOutcome {
  /** The exit status, or `lost` where something killed the program and its guard. */
  readonly status: ProgramEnd
  /** The last lines of what it printed. */
  readonly lines: readonly string[]
}

export interface Following {
  readonly signal?: AbortSignal | undefined
  /** Told each line that the program prints. */
  readonly onLine?: (line: string) => void
}

/** pg_dump and pg_restore cancel their statements and end at once; their workers take a moment longer. */
const GRACE_MS = 5_000

const LOOK_EVERY_MS = 100
const READ_BYTES = 64 * 1024

/** A complaint of PostgreSQL's programs has a handful of lines. */
const KEPT_LINES = 40

/**
 * Runs a program as this process's own user, until it ends, is interrupted, or this process ends in any way: nothing that
 * was started here writes into a backup's folder when nobody is left to answer for it.
 * @throws the signal's reason once the program has been ended.
 */
export async function runUnderGuard(run: GuardedRun, following: Following = {}): Promise<ProgramOutcome> {
  const { signal } = following
  signal?.throwIfAborted()
  const { guard, folder } = await startIn(run)
  const stop = (): void => void guard.stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const outcome = await follow(guard, `${folder}/log`, following.onLine ?? (() => undefined))
    signal?.throwIfAborted()
    return outcome
  } finally {
    signal?.removeEventListener('abort', stop)
    await guard.stop()
  }
}

async function startIn({
  program,
  args,
  environment,
  files = {},
}: GuardedRun): Promise<{ guard: Guard; folder: string }> {
  const folder = await createPrivateFolder({})
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(`${folder}/${name}`, content, { mode: 0o600 })
    const own = Object.entries(environment).map(([name, value]) => [name, value.replaceAll(FOLDER, folder)])
    const guarded = { program, args, environment: Object.fromEntries(own), signal: 'TERM', graceMs: GRACE_MS } as const
    return { guard: await startGuard(folder, {}, guarded), folder }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Reads along in what the program prints. The waiting also keeps this process alive, which a guard does not. */
async function follow(guard: Guard, log: string, onLine: (line: string) => void): Promise<ProgramOutcome> {
  const lines: string[] = []
  const read = lineReader((line) => {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    onLine(line)
  })
  let status: ProgramEnd | undefined
  const ended = guard.ended.then((end) => (status = end))
  while (status === undefined) {
    await Promise.race([ended, sleep(LOOK_EVERY_MS)])
    await read(log)
  }
  return { status, lines }
}

/** Reads what has been added to a file since the last time, and hands on its whole lines. */
function lineReader(onLine: (line: string) => void): (file: string) => Promise<void> {
  const decoder = new StringDecoder('utf8')
  const buffer = Buffer.alloc(READ_BYTES)
  let position = 0
  let begun = ''
  return async (file) => {
    // A program that was ended has taken its folder with it.
    const handle = await open(file).catch(() => null)
    if (handle === null) return
    try {
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position)
        if (bytesRead === 0) return
        position += bytesRead
        const lines = (begun + decoder.write(buffer.subarray(0, bytesRead))).split('\n')
        begun = lines.pop() ?? ''
        for (const line of lines) onLine(line)
      }
    } finally {
      await handle.close()
    }
  }
}
