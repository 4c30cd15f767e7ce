import { readdirSync, readFileSync } from 'node:fs'

/** A process as Linux shows it in /proc. Manual: proc(5). */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** Its own, in seconds. */
  readonly cpuSeconds: number
  /** Of its children that have ended and were waited for, in seconds. */
  readonly reapedSeconds: number
}

/** The unit of times in /proc: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Reads a line of /proc/<pid>/stat. The name stands in brackets and may hold blanks and brackets itself. */
export function parseStat(text: string): ProcessEntry {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')]
  const [, parent, ...fields] = text.slice(close + 2).split(' ')
  const secondsAt = (field: number): number => Number(fields[field - FIRST_FIELD]) / TICKS_PER_SECOND
  return {
    pid: Number(text.slice(0, open)),
    parent: Number(parent),
    name: text.slice(open + 1, close),
    cpuSeconds: secondsAt(UTIME) + secondsAt(UTIME + 1),
    reapedSeconds: secondsAt(UTIME + 2) + secondsAt(UTIME + 3),
  }
}

/** The numbers of fields in proc(5): the first after the parent's, and the user's time. */
const FIRST_FIELD = 5
const UTIME = 14

/** The largest resident set so far, in bytes, from /proc/<pid>/status; 0 for a process that has ended. */
export function parsePeakBytes(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** What is resident of it now, in the same way. */
export function parseResidentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** All processes of the machine; none where there is no /proc. */
export function readProcessTable(): ProcessEntry[] {
  return pids().flatMap((pid) => {
    const text = readOrNothing(`/proc/${pid}/stat`)
    return text === '' ? [] : [parseStat(text)]
  })
}

export function readPeakBytes(pid: number): number {
  return parsePeakBytes(readOrNothing(`/proc/${pid}/status`))
}

export function readResidentBytes(pid: number): number {
  return parseResidentBytes(readOrNothing(`/proc/${pid}/status`))
}

/** The first process whose command line, its own name first, is accepted. */
export function findProcess(accepts: (commandLine: readonly string[]) => boolean): number | undefined {
  return pids().find((pid) => accepts(readCommandLine(pid)))
}

/** A process's command line, its own name first; empty for one that has ended. */
export function readCommandLine(pid: number): string[] {
  return readOrNothing(`/proc/${pid}/cmdline`).split('\0').slice(0, -1)
}

/** The process that started another one. */
export function parentOf(pid: number): number | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`)
  return text === '' ? undefined : parseStat(text).parent
}

function pids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}

/** A process may end between the list and the look. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** A process and all that descend from it. */
export function treeOf(table: readonly ProcessEntry[], root: number): ProcessEntry[] {
  const members = table.filter(({ pid }) => pid === root)
  for (let next = 0; next < members.length; next += 1) {
    const parent = members[next]?.pid
    members.push(...table.filter((entry) => entry.parent === parent))
  }
  return members
}

/** What a tree has used so far: all that lives, and all that was waited for. */
export function cpuSecondsOf(tree: readonly ProcessEntry[]): number {
  return tree.reduce((sum, { cpuSeconds, reapedSeconds }) => sum + cpuSeconds + reapedSeconds, 0)
}
