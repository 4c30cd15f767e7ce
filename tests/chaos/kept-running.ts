import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { CRASH_POINT_VARIABLE } from '../../infra/crash-point.ts'
import { commandArguments } from '../runner/typescript-loader.ts'

export interface KeptCommand {
  readonly name: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** How a process ended. */
export type End = 'done' | 'killed' | 'died at its crash point' | 'gave up'

export interface Watcher {
  /** @param said the end of what it wrote to standard error. */
  readonly ended: (name: string, end: End, said: string) => void
  /** A process ended as none may. */
  readonly failed: (error: Error) => void
}

/** What an operator's service manager would wait. */
const RESTART_MS = 200
const QUOTED_CHARACTERS = 2_000
/** A refusal, and lag: the next try may succeed. Anything else that is not a kill is a defect. */
const TRIED_AGAIN = new Set([4, 5])

/** A command that is started again whenever it has ended, until it is told to stop. */
export class KeptRunning {
  readonly #command: KeptCommand
  readonly #watcher: Watcher
  #child: ChildProcess | null = null
  #crashPoint: { readonly point: string; readonly ended: () => void } | null = null
  #isStopped = false
  readonly #running: Promise<void>

  constructor(command: KeptCommand, watcher: Watcher) {
    this.#command = command
    this.#watcher = watcher
    this.#running = this.#keepRunning()
  }

  /** Nothing can stop this from ending the process, a paused one too. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Kills it; the next one kills itself at that point, if it comes there. Returns when that one has ended. */
  async dieAt(point: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#crashPoint = { point, ended: resolve }
      this.kill()
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#crashPoint = null
    this.kill()
    await this.#running
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isStopped) {
      await this.#runOnce()
      if (!this.#isStopped) await sleep(RESTART_MS)
    }
  }

  async #runOnce(): Promise<void> {
    const { args, environment, name } = this.#command
    const crash = this.#crashPoint
    this.#crashPoint = null
    const child = spawn(process.execPath, commandArguments(args), {
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        SCISSION_LOG: 'text',
        ...environment,
        ...(crash !== null && { [CRASH_POINT_VARIABLE]: crash.point }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-QUOTED_CHARACTERS)))
    const [code, signal] = await exitOf(child)
    this.#child = null
    crash?.ended()
    const end = endOf(code, signal, said)
    if (end === null) this.#watcher.failed(new Error(`${name} ended with ${code ?? signal}: ${said}`))
    else this.#watcher.ended(name, end, said)
  }
}

async function exitOf(child: ChildProcess): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    // Not `close`: a keeper that the command left running holds its standard error.
    child.on('exit', (code, signal) => resolve([code, signal]))
  })
}

function endOf(code: number | null, signal: NodeJS.Signals | null, said: string): End | null {
  if (signal === 'SIGKILL') return said.includes('Crash point ') ? 'died at its crash point' : 'killed'
  if (code === 0) return 'done'
  return code !== null && TRIED_AGAIN.has(code) ? 'gave up' : null
}
