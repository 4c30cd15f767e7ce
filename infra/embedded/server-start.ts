import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../contracts/failure.ts'
import { timeIsUp, within } from './deadline.ts'
import { freePorts } from './free-port.ts'
import type { GuardedProgram } from './guard.ts'
import type { GuardedFolder } from './guarded-folder.ts'

/** A server to start: how, on ports that are given, and how to learn that it serves there. */
export type ServerStart = {
  readonly name: string
  readonly folder: GuardedFolder
  readonly portCount: number
  program(ports: readonly number[]): Promise<GuardedProgram>
  /** Whether the server answers to our own password, so that another one on that port is not taken for it. */
  answers(ports: readonly number[]): Promise<boolean>
}

const START_LIMIT_MS = 60_000
const ASK_AGAIN_MS = 20
/** How often other ports are tried when one was taken between choosing and listening. */
const PORT_ATTEMPTS = 5
/** How much of a server's log a failure quotes. */
const QUOTED_LINES = 12

/**
 * Starts a server on free ports, waits until it answers, and returns the ports.
 *
 * @throws Failure with the end of the server's log where it does not start.
 */
export async function startOnFreePorts(start: ServerStart): Promise<readonly number[]> {
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(start.portCount)
    const { ended } = await start.folder.run(await start.program(ports))
    const state = await waitUntilItAnswers(ended, () => start.answers(ports))
    if (state === 'answers') return ports
    const log = await readLog(start.folder.path)
    if (attempt === PORT_ATTEMPTS || state === 'late' || !isPortTaken(log)) throw startFailure(start.name, state, log)
  }
}

/** Whether a server ended because somebody else listens on its port. */
export function isPortTaken(log: string): boolean {
  return /address already in use/i.test(log)
}

/** Says that a server did not start, and quotes the end of its log. */
export function startFailure(name: string, state: 'ended' | 'late', log: string): Failure {
  const what = state === 'ended' ? 'ended while it started' : `did not answer within ${START_LIMIT_MS / 1000} s`
  const lines = log.trim().split('\n').slice(-QUOTED_LINES)
  return new Failure(1, `The embedded ${name} server ${what}. Its log ends with:\n${lines.join('\n')}`)
}

/** What the programs in a private folder have printed. */
export function readLog(folder: string): Promise<string> {
  return readFile(`${folder}/log`, 'utf8').catch(() => '')
}

/** A password that needs no escaping in a URL; it begins with a letter, since some parsers take `:1` for a port. */
export function randomPassword(): string {
  return `p${randomBytes(16).toString('hex')}`
}

/** Tells an operator something beside the data. */
export function sayOnStandardError(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

async function waitUntilItAnswers(
  ended: Promise<unknown>,
  answers: () => Promise<boolean>,
): Promise<'answers' | 'ended' | 'late'> {
  let over = false
  const asked = async (): Promise<'answers' | 'late'> => {
    while (!over) {
      if (await answers()) return 'answers'
      await sleep(ASK_AGAIN_MS)
    }
    return 'late'
  }
  const outcome = await within(START_LIMIT_MS, Promise.race([asked(), ended.then((): 'ended' => 'ended')]))
  over = true
  return outcome === timeIsUp ? 'late' : outcome
}
