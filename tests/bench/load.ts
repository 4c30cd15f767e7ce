import { Command } from 'commander'
import { databaseName } from '../../infra/configuration/names.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { compiledContracts, writeCompiledContracts } from './compiled-package.ts'
import { elementScenario } from './element-scenario.ts'
import { initialisePgbench, runPgbench, type Transaction } from './pgbench.ts'
import { command } from './scission-run.ts'
import { databaseUrl, makeAnew, POSTGRES_SETTINGS, SOURCE_DATABASE, withFreshNats } from './servers.ts'
import { median, percentile } from './statistics.ts'
import { timedRun } from './timed-run.ts'

interface Flags {
  readonly rows: number
  readonly rate: number
  readonly pairs: number
  readonly maxRate?: string
  readonly readers?: number
  readonly json?: true
}

/** One snapshot under load, and the same load without it. */
interface LoadPair {
  readonly withoutMs: number
  readonly duringMs: number
  readonly publishSeconds: number
  /** Transactions that ended while the snapshot was published. */
  readonly transactions: number
}

const SERVICE_DATABASE = 'service_element'
/** A load that has just begun opens its connections and fills caches. */
const WARM_UP_MS = 2_000
const QUIET_SECONDS = 12
/** Longer than a snapshot takes: what comes after it is not counted. */
const LOADED_SECONDS = 40

function readFlags(): Flags {
  return new Command('bench:load')
    .description("measure what a snapshot does to a monolith's own transactions")
    .option('--rows <number>', 'rows of the table that is published', wholeNumber(50, 50_000_000), 1_000_000)
    .option('--rate <number>', "pgbench's transactions a second", wholeNumber(1, 100_000), 200)
    .option('--pairs <number>', 'how often the two are measured', wholeNumber(1, 100), 5)
    .option('--readers <number>', 'as of publish', wholeNumber(1, 64))
    .option('--max-rate <bytes>', 'as of publish')
    .option('--json', 'print the result as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const flags = readFlags()
  await writeCompiledContracts()
  const postgres = await startEmbeddedPostgres({ settings: POSTGRES_SETTINGS })
  try {
    await makeAnew(postgres, [SOURCE_DATABASE])
    const url = databaseUrl(postgres, SOURCE_DATABASE)
    say(`Making ${flags.rows} rows of Element, and pgbench's tables …`)
    await elementScenario(flags.rows).fill(url)
    await initialisePgbench(url)
    const pairs: LoadPair[] = []
    for (let pair = 1; pair <= flags.pairs; pair += 1) {
      await makeAnew(postgres, [SERVICE_DATABASE])
      const measured = await withFreshNats(true, async (nats) => {
        const environment = {
          MONOLITH_DATABASE_URL: url,
          NATS_URL: nats.url,
          SCISSION_CONTRACTS: compiledContracts('load-contract'),
          [databaseName('element')]: databaseUrl(postgres, SERVICE_DATABASE),
        }
        return await measurePair(url, environment, flags, signal)
      })
      say(`${pair}/${flags.pairs}: ${pairText(measured)}`)
      pairs.push(measured)
    }
    report(flags, pairs)
  } finally {
    await postgres.stop()
  }
}

async function measurePair(
  url: string,
  environment: Readonly<Record<string, string>>,
  { rate, readers, maxRate }: Flags,
  signal: AbortSignal,
): Promise<LoadPair> {
  const run = async (...args: string[]): Promise<number> =>
    (await timedRun([command(args[0] ?? '', args, environment)], {}, signal)).seconds
  const quiet = await runPgbench(url, rate, QUIET_SECONDS)
  await run('prepare', '--yes')
  const load = runPgbench(url, rate, LOADED_SECONDS)
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS))
  const from = Date.now()
  const bounds = [
    ...(readers === undefined ? [] : ['--readers', String(readers)]),
    ...(maxRate === undefined ? [] : ['--max-rate', maxRate]),
  ]
  const publishSeconds = await run('publish', '--snapshot-only', ...bounds)
  const to = Date.now()
  const during = between(await load, from, to)
  await run('cancel', '--yes')
  const warm = between(quiet, (quiet[0]?.endedAtMs ?? 0) + WARM_UP_MS, Number.POSITIVE_INFINITY)
  return { withoutMs: p99(warm), duringMs: p99(during), publishSeconds, transactions: during.length }
}

function between(transactions: readonly Transaction[], from: number, to: number): Transaction[] {
  return transactions.filter(({ endedAtMs }) => endedAtMs >= from && endedAtMs <= to)
}

function p99(transactions: readonly Transaction[]): number {
  const value = percentile(
    transactions.map(({ latencyMs }) => latencyMs),
    99,
  )
  if (value === null) throw new Error('pgbench ran no transaction')
  return value
}

function report({ rows, rate, readers, maxRate, json }: Flags, pairs: readonly LoadPair[]): void {
  const p99Ratio = median(pairs.map(({ withoutMs, duringMs }) => duringMs / withoutMs))
  const result = { rows, rate, readers: readers ?? null, maxRate: maxRate ?? null, p99Ratio, pairs }
  if (json === true) process.stdout.write(`${JSON.stringify(result)}\n`)
  else process.stdout.write(`p99 during the snapshot by p99 without: ${(p99Ratio ?? 0).toFixed(2)} (median)\n`)
}

function pairText({ withoutMs, duringMs, publishSeconds, transactions }: LoadPair): string {
  return `p99 ${withoutMs.toFixed(1)} ms without, ${duringMs.toFixed(1)} ms during (${transactions} transactions, ${publishSeconds.toFixed(1)} s)`
}

await runScript(main)
