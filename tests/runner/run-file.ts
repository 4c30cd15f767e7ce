import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { timeIsUp, within } from '../../infra/embedded/deadline.ts'
import { COMPILED_VARIABLE } from './compiled-sources.ts'
import type { TestFile } from './test-files.ts'
import { typeScriptFlags } from './typescript-loader.ts'
import type { FileEnd } from './verdict.ts'

/** What a test file's process left: all that it printed in the order it came, and standard output alone. */
export type FileResult = {
  readonly end: FileEnd
  readonly output: string
  readonly standardOutput: string
  readonly durationMs: number
}

const END_WITH_RUNNER = new URL('end-with-runner.ts', import.meta.url).href

/** A test that fails is shown with the lines of its source. */
const SOURCE_MAPS = ['--enable-source-maps']

/**
 * A file's process lives for seconds, of which V8 by its own measure spends an eighth on optimising functions that hardly run
 * again: fifteen times as many steps make one worth it.
 */
const FOR_A_SHORT_LIFE = ['--interrupt-budget=1000000']

/** How long what was printed last may take to arrive. */
const PIPES_LIMIT_MS = 5_000

/**
 * Runs a test file in a process group of its own, which is killed as a whole at the file's deadline, or when `signal` is
 * aborted.
 */
export async function runFile(
  file: TestFile,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<FileResult> {
  const began = performance.now()
  const compiled = environment[COMPILED_VARIABLE]
  const loader = typeScriptFlags({ byTsx: file.byTsx, ...(compiled !== undefined && { compiled }) })
  // The standard input is never written to: its end tells the process that the runner is gone.
  const flags = [...SOURCE_MAPS, ...FOR_A_SHORT_LIFE, ...loader, '--import', END_WITH_RUNNER]
  const child = spawn(process.execPath, [...flags, file.path], {
    detached: true,
    env: { ...withoutForcedColour(process.env), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output = collectOutput(child)
  const endGroup = () => killGroup(child)
  signal.addEventListener('abort', endGroup)
  const end = await endOf(child, file.deadlineMs)
  // What the file started in its group and left running must not outlive it, nor hold its pipes open.
  endGroup()
  await within(PIPES_LIMIT_MS, output.closed)
  signal.removeEventListener('abort', endGroup)
  return { end, output: output.all(), standardOutput: output.standard(), durationMs: performance.now() - began }
}

function collectOutput(child: ChildProcessByStdio<Writable, Readable, Readable>) {
  const all: string[] = []
  const standard: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    all.push(text)
    standard.push(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => all.push(text))
  return { closed: once(child, 'close'), all: () => all.join(''), standard: () => standard.join('') }
}

async function endOf(child: ChildProcess, deadlineMs: number): Promise<FileEnd> {
  const exited = new Promise<FileEnd>((resolve) => {
    child.on('exit', (status, signal) => {
      resolve(status === null ? { kind: 'killed', signal: String(signal) } : { kind: 'exited', status })
    })
  })
  const end = await within(deadlineMs, exited)
  return end === timeIsUp ? { kind: 'late', deadlineMs } : end
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nothing of it runs any more.
  }
}

/** A colour that is forced on would be forced on what tests compare. */
function withoutForcedColour(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _forced, ...others } = environment
  return others
}
