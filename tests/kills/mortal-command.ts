import { spawn } from 'node:child_process'
import { commandArguments } from '../runner/typescript-loader.ts'

/** One verb that is to reach its end, however often it is killed on the way. */
export interface MortalCommand {
  readonly name: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface LifeOptions {
  /** How long the next process may live, in milliseconds; null lets it live. */
  readonly lifetimeMs: () => number | null
  /** Is told of each process that was killed, after it had lived so long. */
  readonly killed: (name: string, afterMs: number) => void
  /** Is told of each process that gave up by itself, with the end of what it said. */
  readonly refused: (name: string, text: string) => void
  readonly signal: AbortSignal
}

/** What ends by itself may be told to try again: the server frees a dead process's lock a moment later. */
const RETRIED_EXIT_CODES = new Set([4, 5])
const MOST_REFUSALS = 20
const RETRY_MS = 500
/** Longer than any of the runs; what passes it hangs. */
const LIMIT_MS = 5 * 60_000
const QUOTED_CHARACTERS = 600

/** Starts the command again and again until it ends with 0. @throws where it fails in another way than an operator would wait out. */
export async function runUntilDone(command: MortalCommand, options: LifeOptions): Promise<void> {
  let refusals = 0
  for (;;) {
    const lifetimeMs = options.lifetimeMs()
    const startedAt = Date.now()
    const { code, signal, text } = await liveOnce(command, lifetimeMs ?? LIMIT_MS, options.signal)
    options.signal.throwIfAborted()
    if (code === 0) return
    if (signal === 'SIGKILL' && lifetimeMs !== null) {
      options.killed(command.name, Date.now() - startedAt)
      continue
    }
    refusals += 1
    if (code === null || !RETRIED_EXIT_CODES.has(code) || refusals > MOST_REFUSALS)
      throw new Error(`${command.name} ended with ${code ?? signal}: ${text}`)
    options.refused(command.name, text)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly text: string
}

async function liveOnce({ args, environment }: MortalCommand, lifetimeMs: number, signal: AbortSignal): Promise<End> {
  const child = spawn(process.execPath, commandArguments(args), {
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SCISSION_LOG: 'text', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), lifetimeMs)
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (more: string) => (text = (text + more).slice(-QUOTED_CHARACTERS)))
  return await new Promise((resolve, reject) => {
    child.on('error', (error) => (signal.aborted ? undefined : reject(error)))
    // Not `close`: what the command left running on purpose may hold its standard error.
    child.on('exit', (code, itsSignal) => {
      clearTimeout(timer)
      resolve({ code, signal: itsSignal, text })
    })
  })
}
