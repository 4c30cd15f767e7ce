import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Failure } from '../../contracts/failure.ts'
import { command } from './scission-run.ts'
import { timedRun } from './timed-run.ts'

/** How much of what a follower said its failure quotes. */
const QUOTED_CHARACTERS = 2_000

/** `publish` and `consume` of the compiled package while they follow, by what their figures are called. */
export interface Followers {
  readonly pids: Readonly<Record<'publisher' | 'consumer', number>>
}

/**
 * Prepares, and runs an action while `publish` and `consume` follow, from their start on.
 * @throws Failure 1 where one of them ends by itself, with what it said last.
 */
export async function withFollowers<Result>(
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  action: (followers: Followers) => Promise<Result>,
): Promise<Result> {
  await runVerb(environment, signal, 'prepare', '--yes')
  const publisher = start(environment, signal, 'publish')
  const consumer = start(environment, signal, 'consume', '--all')
  const children = [publisher, consumer]
  try {
    const pids = { publisher: publisher.child.pid ?? 0, consumer: consumer.child.pid ?? 0 }
    return await Promise.race([action({ pids }), ...children.map(async ({ failed }) => await failed)])
  } finally {
    for (const { child } of children) child.kill('SIGINT')
    await Promise.all(children.map(async ({ child }) => await ended(child)))
    if (!signal.aborted) await runVerb(environment, signal, 'cancel', '--yes')
  }
}

/** Returns when the services have all that is committed by now. */
export async function untilApplied(environment: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  await runVerb(environment, signal, 'lag', '--max-lag', '0s', '--wait', '30m')
}

async function runVerb(
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  verb: string,
  ...flags: string[]
): Promise<void> {
  await timedRun([command(verb, [verb, ...flags], environment)], {}, signal)
}

function start(
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  ...args: readonly [string, ...string[]]
): { readonly child: ChildProcess; readonly failed: Promise<never> } {
  const { program, args: all } = command(args[0], args, environment)
  const child = spawn(program, all, {
    cwd: '/',
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LC_ALL: 'C.UTF-8',
      SCISSION_LOG: 'text',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-QUOTED_CHARACTERS)))
  child.on('error', () => undefined)
  const failed = ended(child).then((status) => {
    throw new Failure(1, `${args[0]} ended with ${status}: ${said.trim()}`)
  })
  failed.catch(() => undefined)
  return { child, failed }
}

async function ended(child: ChildProcess): Promise<string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return String(child.exitCode ?? child.signalCode)
}
