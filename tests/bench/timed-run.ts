import { type ChildProcess, spawn } from 'node:child_process'
import { Failure } from '../../contracts/failure.ts'
import { type Usage, watchProcesses } from './process-watch.ts'

/** A program to start, and what its figures are called. */
export interface Program {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface TimedRun {
  /** From the start of the first program, before it connects to anything, to the end of the last one. */
  readonly seconds: number
  /** Until each program had ended, from the same beginning. */
  readonly endedAfterSeconds: Readonly<Record<string, number>>
  /** By the names of the programs and of the servers. */
  readonly usage: Readonly<Record<string, Usage>>
  /** Standard output, by program. */
  readonly output: Readonly<Record<string, string>>
}

/** Longer than anything here takes, so that what hangs is told and not waited for. */
const LIMIT_MS = 60 * 60_000
/** How much of what a program said a failure quotes. */
const QUOTED_CHARACTERS = 2_000

/**
 * Starts programs together, and measures until all have ended well.
 * @param servers processes that work for them, whose use in the meantime is told too.
 * @param signal ends the programs early.
 * @throws Failure 1 with what a program said where it fails; the others are ended.
 */
export async function timedRun(
  programs: readonly Program[],
  servers: Readonly<Record<string, number>>,
  signal: AbortSignal,
): Promise<TimedRun> {
  const watch = watchProcesses()
  for (const [name, pid] of Object.entries(servers)) watch.add(name, pid)
  const startedAt = performance.now()
  const children = programs.map((program) => ({ program, child: start(program, signal) }))
  for (const { program, child } of children) if (child.pid !== undefined) watch.add(program.name, child.pid)
  try {
    const ended = await Promise.all(
      children.map(async ({ program, child }) => ({
        name: program.name,
        output: await outputOf(program, child),
        seconds: (performance.now() - startedAt) / 1000,
      })),
    )
    return {
      seconds: Math.max(...ended.map(({ seconds }) => seconds)),
      endedAfterSeconds: Object.fromEntries(ended.map(({ name, seconds }) => [name, seconds])),
      usage: watch.end(),
      output: Object.fromEntries(ended.map(({ name, output }) => [name, output])),
    }
  } catch (error) {
    for (const { child } of children) child.kill('SIGTERM')
    watch.end()
    throw error
  }
}

/** The processes that could be found. */
export function present(processes: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).flatMap(([name, pid]) => (pid === undefined ? [] : [[name, pid]])),
  )
}

function start({ program, args, environment }: Program, signal: AbortSignal): ChildProcess {
  const child = spawn(program, args, {
    cwd: '/',
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LC_ALL: 'C.UTF-8',
      SCISSION_LOG: 'text',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  // Not by a signal: Node forgets one that nothing but `AbortSignal.any` holds.
  const limit = setTimeout(() => child.kill(), LIMIT_MS).unref()
  child.once('close', () => clearTimeout(limit))
  return child
}

async function outputOf(program: Program, child: ChildProcess): Promise<string> {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr = (texts.stderr + text).slice(-QUOTED_CHARACTERS)
  })
  const status = await new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(new Failure(1, `${program.name} could not be started: ${cause.message}.`)))
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  if (status === 0) return texts.stdout
  throw new Failure(1, `${program.name} ended with ${String(status)}: ${texts.stderr.trim() || texts.stdout.trim()}`)
}
