import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { constants, copyFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { removeFolderAndPrograms } from './abandoned-folders.ts'
import { timeIsUp, within } from './deadline.ts'
import { hasCode } from './own-folder.ts'
import type { ServerUser } from './unprivileged-user.ts'

/** A program to run under guard. `signal` (without SIG) asks it to end; after `graceMs` it is killed. */
export type GuardedProgram = {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly signal: 'TERM' | 'INT' | 'QUIT'
  readonly graceMs: number
  /** The folder to run in; the private folder by default. */
  readonly workingFolder?: string
}

/** How a program ended: with its exit status, or `lost` where its guard was killed before it could tell. */
export type ProgramEnd = number | 'lost'

/** A program under guard. It ends, and its folder goes, when `stop` is called or when this process ends in any way. */
export type Guard = {
  readonly ended: Promise<ProgramEnd>
  /** Waits until the program has ended, dismisses the guard, and leaves the folder to the next one. */
  dismiss(): Promise<void>
  /** Ends the program, removes the folder, and waits for both. May be called again. */
  stop(): Promise<void>
}

type GuardProcess = ChildProcessByStdio<Writable, Readable, null>

const guardScript = fileURLToPath(new URL('guard.sh', import.meta.url))

/** What the guard needs beyond the program's grace to notice, to kill, and to remove a large folder. */
const REMOVAL_MS = 10_000

/**
 * Starts a program in `folder`, as `user`, in a session of its own (a terminal's Ctrl-C is for this process to decide
 * on), with its output in the folder's file `log`. The guard's standard input is what ties it to this process: Node
 * marks our end close-on-exec, so that no child started later holds it open. A guard does not keep this process alive.
 */
export async function startGuard(folder: string, user: ServerUser, program: GuardedProgram): Promise<Guard> {
  const script = await placeScript(folder)
  const grace = String(Math.ceil(program.graceMs / 100))
  const guard = spawn('/bin/sh', [script, folder, program.signal, grace, program.program, ...program.args], {
    ...user.ids,
    cwd: program.workingFolder ?? folder,
    detached: true,
    env: { PATH: guardPath(), HOME: folder, ...program.environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  await once(guard, 'spawn')
  for (const handle of [guard, guard.stdin, guard.stdout]) unref(handle)
  return superviseGuard(guard, folder, program.graceMs + REMOVAL_MS)
}

function superviseGuard(guard: GuardProcess, folder: string, stopMs: number): Guard {
  guard.stdin.on('error', () => {}) // The guard may be gone when we write: its exit is what tells us.
  const exited = once(guard, 'exit').then(() => void guard.stdin.end())
  let stopping: Promise<void> | undefined
  const ended = programEnd(guard, exited)
  return {
    ended,
    dismiss: async () => {
      // The guard listens for this word only then; before that, the end of its input means the end of the folder.
      if ((await within(stopMs, ended)) === timeIsUp) throw new Error('A guard was dismissed whose program still runs')
      guard.stdin.end('keep\n')
      await within(stopMs, exited)
    },
    stop: () => (stopping ??= stopGuard(guard, folder, within(stopMs, exited))),
  }
}

async function stopGuard(guard: GuardProcess, folder: string, exited: Promise<unknown>): Promise<void> {
  guard.stdin.end()
  await exited
  // There is nothing left to do here, unless the guard itself was killed.
  await removeFolderAndPrograms(folder)
}

async function programEnd(guard: GuardProcess, exited: Promise<void>): Promise<ProgramEnd> {
  let said = ''
  guard.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  const told = new Promise<number>((resolve) => {
    guard.stdout.on('data', () => {
      const status = /^ended (\d+)\n/.exec(said)?.[1]
      if (status !== undefined) resolve(Number(status))
    })
  })
  return Promise.race([told, exited.then((): 'lost' => 'lost')])
}

/** The script is run from the private folder, since the servers' user may not be able to read ours. */
async function placeScript(folder: string): Promise<string> {
  const script = `${folder}/guard.sh`
  try {
    await copyFile(guardScript, script, constants.COPYFILE_EXCL)
  } catch (error) {
    // A guard that was here before may still be reading it: so it is never written twice.
    if (!hasCode(error, ['EEXIST'])) throw error
  }
  return script
}

/** The guard needs `sleep` and `rm`, wherever the servers are looked for. */
function guardPath(): string {
  return [process.env['PATH'], '/usr/bin', '/bin'].join(':')
}

/** Pipes of a child are sockets, which a stream's type does not say. */
function unref(handle: object): void {
  if ('unref' in handle && typeof handle.unref === 'function') handle.unref()
}
