import { writeSync } from 'node:fs'

/** Names the point at which a test wants the process to die, as `name` or `name:3` for its third passing. */
export const CRASH_POINT_VARIABLE = 'SCISSION_CRASH_POINT'

const STANDARD_ERROR = 2
const passings = new Map<string, number>()

/**
 * A point at which a crash is tested: where the environment names it, the process kills itself as nothing can stop, and
 * says so before. docs/reliability.md lists the points.
 */
export function crashPoint(name: string): void {
  const wanted = process.env[CRASH_POINT_VARIABLE]
  if (wanted === undefined) return
  const passing = (passings.get(name) ?? 0) + 1
  passings.set(name, passing)
  if (!isWanted(wanted, name, passing)) return
  // Written at once: a stream would take the line along.
  writeSync(STANDARD_ERROR, `Crash point ${name}, passing ${passing}\n`)
  process.kill(process.pid, 'SIGKILL')
}

export function isWanted(wanted: string, name: string, passing: number): boolean {
  const [wantedName, wantedPassing = '1'] = wanted.split(':')
  return wantedName === name && Number(wantedPassing) === passing
}
