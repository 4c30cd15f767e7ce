import { mkdtemp, open, rm } from 'node:fs/promises'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './statistics.ts'

/** What a time depends on. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  /** How long 8 kB take to be on disk: the median of some writes, before the measurement. */
  readonly syncMs: number
  /** How long a command of ours takes that does nothing, in seconds; our times include it. */
  readonly startSeconds: number
  /** By program; null for what is not installed. */
  readonly versions: Readonly<Record<string, string | null>>
}

export async function describeMachine(versions: Machine['versions'], startSeconds: number): Promise<Machine> {
  const processors = cpus()
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()}`,
    syncMs: await measureSync(),
    startSeconds,
    versions: { node: process.versions.node, ...versions },
  }
}

const SYNC_BYTES = 8192
/** Takes a second on a slow disk. */
const SYNCS = 50

/** In the folder of temporary files, where the servers have their data too. */
async function measureSync(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-bench-'))
  const file = await open(join(folder, 'sync'), 'w')
  try {
    const timesMs: number[] = []
    for (let count = 0; count < SYNCS; count += 1) {
      const startedAt = performance.now()
      await file.write(Buffer.alloc(SYNC_BYTES))
      await file.datasync()
      timesMs.push(performance.now() - startedAt)
    }
    return median(timesMs) ?? 0
  } finally {
    await file.close()
    await rm(folder, { recursive: true, force: true })
  }
}
