import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { runProgram } from './run-program.ts'

/**
 * When a process began, in a unit of the system's own (only equality means something), or `undefined` where there is
 * none. A process id is used again sooner or later; together with its beginning it names one process for good.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
}

async function startFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat === undefined ? undefined : startField(stat)
}

/**
 * The 22nd field of /proc/<pid>/stat. The second one is the program's name in brackets, which may hold blanks and
 * brackets itself: so the count starts behind the last bracket.
 */
export function startField(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

async function startFromPs(pid: number): Promise<string | undefined> {
  const { status, output } = await runProgram('ps', ['-o', 'lstart=', '-p', String(pid)])
  return status === 0 && output !== '' ? String(Date.parse(output)) : undefined
}

/**
 * A short name for the set of processes that we can see. Two containers may share the project's folder and not their
 * processes: neither may take the other's processes for dead.
 */
export async function processSpace(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return createHash('sha256').update(`${hostname()} ${namespace}`).digest('hex').slice(0, 8)
}
