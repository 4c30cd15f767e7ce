import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Client } from 'pg'
import { test } from 'uvu'
import { backUp, type BackupOutcome, type BackupRequest } from '../../../infra/backup/backup.ts'
import { findDumpPrograms } from '../../../infra/backup/dump-programs.ts'
import type { BackupEvent } from '../../../infra/backup/events.ts'
import { Failure } from '../../../contracts/failure.ts'
import type { PostgresTarget } from '../../../infra/postgres/session.ts'

/** The oldest PostgreSQL that Scission supports: a pg_dump older than that serves nobody. */
const OLDEST = '14'

/**
 * A test that needs pg_dump and pg_restore, which npm's PostgreSQL does not have. Without them it is passed over, and
 * said; where everything has to be tested that is a failure.
 */
export function testWithPgDump(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    const found = await findDumpPrograms(process.env, OLDEST).catch((error: unknown) => error)
    if (!(found instanceof Failure)) return await run()
    if (process.env['CI']) throw found
    process.stderr.write(`passed over: ${name}: ${found.message}\n`)
  })
}

/** A folder of one's own; a backup's goes into it. */
export async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'scission-backup-test-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function monolithAt(url: string): PostgresTarget {
  return { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
}

type Options = Partial<BackupRequest> & { readonly onEvent?: (event: BackupEvent) => void }

/** Backs the database of a URL up, unproven and with two jobs if nothing else is said. */
export async function backUpTo(folder: string, url: string, options: Options = {}): Promise<BackupOutcome> {
  const { onEvent, ...given } = options
  const request: BackupRequest = {
    monolith: monolithAt(url),
    folder,
    prove: false,
    jobs: Math.min(2, availableParallelism()),
    environment: process.env,
    signal: new AbortController().signal,
    ...given,
  }
  return await backUp(request, (event) => onEvent?.(event))
}

/** The failure that a backup ends with. */
export async function failureOf(backup: Promise<BackupOutcome>): Promise<Failure> {
  const outcome = await backup.catch((error: unknown) => error)
  if (outcome instanceof Failure) return outcome
  if (outcome instanceof Error) throw outcome
  throw new Error('The backup did not fail')
}

/** What a promise is rejected with, as text; `done` where it is not. */
export async function errorText(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'done',
    (error: unknown) => String(error),
  )
}

export async function runStatements(url: string, ...statements: string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement)
  })
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Changes one bit in the middle of a file, and nothing else; before the backup goes on. */
export function flipBit(file: string): void {
  const content = readFileSync(file)
  const middle = Math.floor(content.length / 2)
  content[middle] = (content[middle] ?? 0) ^ 1
  writeFileSync(file, content)
}

/** Changes what a compressed file holds so that it is whole and valid afterwards. */
export function rewriteCompressed(file: string, change: (text: string) => string): void {
  writeFileSync(file, gzipSync(change(gunzipSync(readFileSync(file)).toString('utf8'))))
}
