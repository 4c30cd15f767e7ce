import { cpuSecondsOf, readPeakBytes, readProcessTable, treeOf } from './process-table.ts'

/** What a process used, with those that it started. */
export interface Usage {
  readonly cpuSeconds: number
  /** The largest resident set that any one process of the tree had. Shared memory that it touched counts. */
  readonly peakBytes: number
}

/** Often enough that little is missed of a process's end, seldom enough to take under 5 % of one core. */
const INTERVAL_MS = 100

/** Watches trees of processes by their roots until `end`, which tells what each used since the beginning. */
export function watchProcesses(): { add(name: string, root: number): void; end(): Record<string, Usage> } {
  const watched = new Map<string, { root: number; before: number; now: number; peakBytes: number }>()
  const look = (): void => {
    const table = readProcessTable()
    for (const tree of watched.values()) {
      const entries = treeOf(table, tree.root)
      // A tree that has ended keeps what it had when it was last seen.
      tree.now = Math.max(tree.now, cpuSecondsOf(entries))
      tree.peakBytes = Math.max(tree.peakBytes, ...entries.map(({ pid }) => readPeakBytes(pid)))
    }
  }
  const timer = setInterval(look, INTERVAL_MS)
  return {
    add: (name, root) => {
      const before = cpuSecondsOf(treeOf(readProcessTable(), root))
      watched.set(name, { root, before, now: before, peakBytes: 0 })
    },
    end: () => {
      clearInterval(timer)
      look()
      return Object.fromEntries(
        [...watched].map(([name, { before, now, peakBytes }]) => [name, { cpuSeconds: now - before, peakBytes }]),
      )
    },
  }
}
