import { spawn } from 'node:child_process'
import { commandArguments } from '../runner/typescript-loader.ts'

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCommand {
  readonly ended: Promise<CommandResult>
  /** Waits until standard error holds a text. */
  waitFor(text: string): Promise<void>
  /** Waits until standard output has so many lines. */
  waitForLines(lines: number): Promise<void>
  /** What it has written so far. */
  stdout(): string
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Goes away as the reader of its standard output, or of its standard error. */
  closeOutput(name?: 'stdout' | 'stderr'): void
  readonly pid: number
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** The current folder; one without a configuration file by default. */
  readonly folder?: string
  /** When it is killed as one that hangs. */
  readonly limitMs?: number
  /** Kills it. */
  readonly signal?: AbortSignal
}

/** A command hangs where it is still there after this; a busy machine takes seconds. */
const LIMIT_MS = 60_000

/**
 * Runs the real command as a process of its own, with nothing of our environment but the PATH. What it tells are sentences,
 * unless a test asks for something else.
 */
export function startCommand(
  args: readonly string[],
  { environment = {}, folder, limitMs = LIMIT_MS, signal }: CommandOptions = {},
): RunningCommand {
  const child = spawn(process.execPath, commandArguments(args), {
    cwd: folder ?? '/',
    env: environmentOf(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
      for (const look of watchers) look()
    })
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  signal?.addEventListener('abort', () => void child.kill('SIGKILL'), { once: true })
  const ended = new Promise<CommandResult>((resolve) => {
    child.on('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ exitCode, ...texts })
    })
  })
  const seen = (isSeen: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isSeen()) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })
  return {
    ended,
    waitFor: async (text) => {
      const early = ended.then(({ stderr }) => {
        if (!stderr.includes(text)) throw new Error(`The command ended and never said "${text}": ${stderr}`)
      })
      await Promise.race([seen(() => texts.stderr.includes(text)), early])
    },
    waitForLines: async (lines) => {
      const early = ended.then(({ stderr }) => {
        throw new Error(`The command ended before it had written ${lines} lines: ${stderr}`)
      })
      await Promise.race([seen(() => texts.stdout.split('\n').length > lines), early])
    },
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    kill: (name) => void child.kill(name),
    closeOutput: (name = 'stdout') => void child[name].destroy(),
    pid: child.pid ?? 0,
  }
}

export function environmentOf(environment: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return { PATH: process.env['PATH'], HOME: process.env['HOME'], SCISSION_LOG: 'text', ...environment }
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return await startCommand(args, options).ended
}
