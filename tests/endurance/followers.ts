import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Failure } from '../../contracts/failure.ts'
import { commandArguments } from '../runner/typescript-loader.ts'

/** As the installed command is run, so that it takes as much memory. */
const NODE_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=200']
const QUOTED_CHARACTERS = 2_000
/** What does not end in this time after Ctrl-C hangs. */
const END_LIMIT_MS = 40_000

/** A command that goes on until it is interrupted. */
export interface Follower {
  readonly pid: number
  /** Rejects where it ends by itself. */
  readonly failed: Promise<never>
  /** Interrupts it. @throws Failure 1 where it does not end with 130, as it must. */
  interrupt(): Promise<void>
  kill(): void
}

/** Starts a verb of the real command that follows. */
export function startFollower(args: readonly string[], environment: Readonly<Record<string, string>>): Follower {
  const child = start(args, environment)
  const name = args.join(' ')
  let isEnding = false
  const ended = endOf(child.process)
  const failed = ended.then(async (status) => {
    if (isEnding) return await new Promise<never>(() => undefined)
    throw new Failure(1, `${name} ended with ${status}: ${child.said().trim()}`)
  })
  failed.catch(() => undefined)
  return {
    pid: child.process.pid ?? 0,
    failed,
    kill: () => {
      isEnding = true
      child.kill('SIGKILL')
    },
    interrupt: async () => {
      isEnding = true
      child.kill('SIGINT')
      const late = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
      const status = await ended
      clearTimeout(late)
      if (status !== '130')
        throw new Failure(1, `${name} was interrupted, and ended with ${status}: ${child.said().trim()}`)
    },
  }
}

/** Runs a verb to its end. @throws Failure 1 where it does not end well. */
export async function runVerb(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const child = start(args, environment)
  const stop = (): void => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  const status = await endOf(child.process)
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (status !== '0') throw new Failure(1, `${args.join(' ')} ended with ${status}: ${child.said().trim()}`)
}

interface Started {
  readonly process: ChildProcess
  readonly kill: (signal: 'SIGINT' | 'SIGKILL') => void
  /** The end of what it wrote to standard error. */
  readonly said: () => string
}

function start(args: readonly string[], environment: Readonly<Record<string, string>>): Started {
  const child = spawn(process.execPath, [...NODE_FLAGS, ...commandArguments(args)], {
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SCISSION_LOG: 'text', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-QUOTED_CHARACTERS)))
  return { process: child, kill: (signal) => void child.kill(signal), said: () => said }
}

async function endOf(child: ChildProcess): Promise<string> {
  // Not `close`: a keeper that the command left running holds its standard error.
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return String(child.exitCode ?? child.signalCode)
}
