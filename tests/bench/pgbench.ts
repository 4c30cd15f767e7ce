import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { splitPassword } from './servers.ts'

/** One transaction of pgbench: when it ended, and how long it took from when it was due. Milliseconds. */
export interface Transaction {
  readonly endedAtMs: number
  readonly latencyMs: number
}

/** About 15 MB a unit: enough that its tables are not one hot page. */
const SCALE = 10
const CLIENTS = 4

/** Makes pgbench's own tables. Manual: "pgbench". */
export async function initialisePgbench(url: string): Promise<void> {
  await pgbench(url, ['-i', '-q', '-s', String(SCALE)], tmpdir())
}

/**
 * A steady load: so many transactions a second, whether the server keeps up or not, so that what waits is counted from
 * when it was due and a slow server cannot hide by being asked less.
 */
export async function runPgbench(url: string, rate: number, seconds: number): Promise<Transaction[]> {
  return await logged(url, ['-n', '-c', String(CLIENTS), '-R', String(rate), '-T', String(seconds)])
}

/** Sessions that run a script of prepared statements again and again, as fast as they can. */
export async function runReaders(
  url: string,
  { readers, script, seconds }: { readonly readers: number; readonly script: string; readonly seconds: number },
): Promise<Transaction[]> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-bench-'))
  try {
    const file = join(folder, 'script.sql')
    await writeFile(file, script)
    return await logged(url, ['-n', '-M', 'prepared', '-c', String(readers), '-T', String(seconds), '-f', file])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function logged(url: string, load: readonly string[]): Promise<Transaction[]> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-bench-'))
  try {
    await pgbench(url, [...load, '--log'], folder)
    const files = await readdir(folder)
    const texts = await Promise.all(files.map(async (file) => await readFile(join(folder, file), 'utf8')))
    return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).map(transactionOf)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `client number latency script seconds microseconds lag`, with latency and lag in microseconds. */
export function transactionOf(line: string): Transaction {
  const [, , latency, , seconds, microseconds] = line.split(' ').map(Number)
  if (latency === undefined || seconds === undefined || microseconds === undefined || Number.isNaN(latency + seconds))
    throw new Error(`pgbench logged ${line}`)
  return { endedAtMs: seconds * 1000 + microseconds / 1000, latencyMs: latency / 1000 }
}

async function pgbench(url: string, args: readonly string[], cwd: string): Promise<void> {
  const { password, href } = splitPassword(url)
  await promisify(execFile)('pgbench', [...args, href], {
    cwd,
    env: { PATH: process.env['PATH'], PGPASSWORD: password },
  })
}
