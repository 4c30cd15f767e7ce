import { availableParallelism } from 'node:os'
import { Client } from 'pg'
import { startEmbeddedNats } from '../infra/embedded/nats-server.ts'
import { startEmbeddedPostgres } from '../infra/embedded/postgres-server.ts'
import { projectFolder } from '../infra/embedded/project-folder.ts'
import { Failure } from '../contracts/failure.ts'
import { CHROMIUM_FAULT_VARIABLE, provideChromium } from './chromium-program.ts'
import { COMPILED_VARIABLE, compileSources } from './runner/compiled-sources.ts'
import { listenForInterruption } from './runner/interruption.ts'
import { placeInMemory } from './runner/place-in-memory.ts'
import { reportOf, runFiles } from './runner/run-files.ts'
import { findTestFiles, type TestFile } from './runner/test-files.ts'
import { closingLine, statusOf, sumOf, type Verdict } from './runner/verdict.ts'
import { NATS_VARIABLE, POSTGRES_VARIABLE, RELEASE_VARIABLE } from './with-servers.ts'

/** Test files wait for servers as long as they compute; but some of them measure time. */
const FILES_AT_ONCE = Math.min(4, availableParallelism() + 1)

/**
 * Runs all files of tests, or those whose path holds one of `filters`, against one PostgreSQL and one NATS server that
 * they share. The last line on standard output counts the tests; it is printed whatever happened before.
 */
async function main(filters: readonly string[]): Promise<void> {
  process.chdir(projectFolder)
  const interruption = listenForInterruption()
  const verdicts: Verdict[] = []
  try {
    const files = await findTestFiles('tests', filters)
    if (files.length === 0) throw new Failure(2, `No file of tests has ${filters.join(' or ')} in its path.`)
    await runWithServers(files, interruption.signal, verdicts)
  } catch (error) {
    process.stderr.write(
      `${error instanceof Failure ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    )
    process.exitCode = 1
  }
  const sum = sumOf(verdicts)
  if (interruption.signal.aborted) process.stderr.write('The run was interrupted: not all files were run.\n')
  process.stdout.write(`${closingLine(sum)}\n`)
  process.exitCode ||= interruption.status() ?? statusOf(sum)
}

async function runWithServers(files: readonly TestFile[], signal: AbortSignal, verdicts: Verdict[]): Promise<void> {
  // Within a file's deadline, at which it is killed, nothing can be installed.
  const noChromium = files.some(({ inBrowser }) => inBrowser) ? await provideChromium(signal) : null
  const compiled = await compileSources()
  const place = await placeInMemory()
  const kept = place === undefined ? {} : { place }
  const [postgres, nats] = await Promise.all([
    startEmbeddedPostgres({ fsync: false, ...kept }),
    startEmbeddedNats(kept),
  ])
  try {
    const environment = {
      [POSTGRES_VARIABLE]: postgres.url,
      [RELEASE_VARIABLE]: await releaseOf(postgres.url),
      [NATS_VARIABLE]: nats.url,
      [COMPILED_VARIABLE]: compiled,
      ...(noChromium !== null && { [CHROMIUM_FAULT_VARIABLE]: noChromium }),
    }
    await runFiles(files, FILES_AT_ONCE, environment, signal, (judged) => {
      verdicts.push(judged.verdict)
      process.stdout.write(reportOf(judged))
    })
  } finally {
    await Promise.all([postgres.stop(), nats.stop()])
  }
}

async function releaseOf(url: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ release: string }>(
      `SELECT (current_setting('server_version_num')::int / 10000)::text AS release`,
    )
    return rows[0]?.release ?? ''
  } finally {
    await client.end()
  }
}

await main(process.argv.slice(2))
