import { basename } from 'node:path'
import { readCommandLine, readPeakBytes, readProcessTable, treeOf } from './process-table.ts'

/** The largest resident set that a process had so far, by the kernel's own count. */
export interface ProcessMemory {
  /** The root's name, and behind it the program that it started. */
  readonly name: string
  readonly peakBytes: number
}

/** The kernel keeps the largest, so that looking often merely finds short-lived processes. */
const INTERVAL_MS = 200

/**
 * Watches each process of trees by itself until `end`.
 * @param roots the first process of each tree, by its name.
 */
export function watchMemory(roots: Readonly<Record<string, number>>): {
  look(): ProcessMemory[]
  end(): ProcessMemory[]
} {
  const seen = new Map<number, ProcessMemory>()
  const look = (): ProcessMemory[] => {
    const table = readProcessTable()
    for (const [name, root] of Object.entries(roots))
      for (const { pid } of treeOf(table, root)) {
        const peakBytes = Math.max(seen.get(pid)?.peakBytes ?? 0, readPeakBytes(pid))
        const known = seen.get(pid)?.name
        seen.set(pid, { name: known ?? (pid === root ? name : `${name}: ${programOf(pid)}`), peakBytes })
      }
    return [...seen.values()]
  }
  // A run that fails does not come to its end, and must not be kept alive by it.
  const timer = setInterval(look, INTERVAL_MS).unref()
  return {
    look,
    end: () => {
      clearInterval(timer)
      return look()
    },
  }
}

/** A script where the process runs one. */
function programOf(pid: number): string {
  const [program = '', ...args] = readCommandLine(pid)
  return basename(args.find((argument) => /\.[cm]?js$/.test(argument)) ?? program)
}
