import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { Failure } from '../../contracts/failure.ts'
import { tableText } from '../../infra/command-line/tables.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { runScript, say, wholeNumber } from '../runner/run-script.ts'
import type { Bench } from './bench.ts'
import { writeCompiledContracts } from './compiled-package.ts'
import { elementScenario } from './element-scenario.ts'
import { type LoadedService, variableOf, withLoadedService } from './loaded-service.ts'
import { mixedScenario } from './mixed-scenario.ts'
import { runReaders, type Transaction } from './pgbench.ts'
import { databaseUrl, makeAnew, POSTGRES_SETTINGS, SOURCE_DATABASE } from './servers.ts'
import { median, percentile } from './statistics.ts'
import { LOG_SETTINGS, loggedUrl, readSwap, type Swap } from './swap-log.ts'

interface Flags {
  readonly rows: number
  readonly mixed?: number
  readonly swaps: number
  readonly readers: number
  readonly json?: true
}

/** One swap, and what it did to those who read meanwhile. Milliseconds. */
interface MeasuredSwap {
  /** From the first lock that was given to the end of the commit. */
  readonly lockedMs: number
  /** The longest of the readings that met the time of the locks, or began up to a moment after it. */
  readonly longestReadMs: number
  /** The same of all others, from the start of the replay to its end. */
  readonly longestElsewhereMs: number
  /** The 99th percentile of those others. */
  readonly p99ElsewhereMs: number
}

/** The pause that a swap may make. */
const AIM_MS = 200
/** Readers plan anew behind it. */
const BEHIND_MS = 500
/** Readers have opened their sessions by then. */
const WARM_UP_MS = 1_000
/** A page of rows by the key, anywhere in the table. */
const READING = String.raw`
\set row random(0, :rows - 10)
SELECT * FROM "Element" ORDER BY id LIMIT 10 OFFSET :row;
`
/** Beside readers that never rest a replay takes so many times what it takes alone, at most. */
const SLOWED_BY = 4
/** OFFSET walks so many entries of the index: readers begin within them. */
const MOST_OFFSET = 200

function readFlags(): Flags {
  return new Command('bench:swap')
    .description('measure how long a swap keeps readers waiting')
    .option('--rows <number>', 'rows of Element, as the one table of its service', wholeNumber(50, 50_000_000), 50_000)
    .option('--mixed <elements>', 'a service of five tables with foreign keys instead', wholeNumber(50, 50_000_000))
    .option('--swaps <number>', 'how many', wholeNumber(1, 1_000), 10)
    .option('--readers <number>', 'sessions that read all the time', wholeNumber(1, 64), 4)
    .option('--json', 'print the result as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const flags = readFlags()
  await writeCompiledContracts()
  const postgres = await startEmbeddedPostgres({ settings: { ...POSTGRES_SETTINGS, ...LOG_SETTINGS } })
  try {
    const scenario = flags.mixed === undefined ? elementScenario(flags.rows) : mixedScenario(flags.mixed)
    say(`Making ${scenario.title} …`)
    await makeAnew(postgres, [SOURCE_DATABASE])
    const size = await scenario.fill(databaseUrl(postgres, SOURCE_DATABASE))
    const bench: Bench = { scenario, size, postgres, postmaster: undefined, shape: [], signal }
    const swaps = await withLoadedService(bench, async (loaded) => await measureSwaps(loaded, flags))
    report(flags, swaps)
  } finally {
    await postgres.stop()
  }
}

async function measureSwaps(loaded: LoadedService, flags: Flags): Promise<MeasuredSwap[]> {
  const { seconds } = await loaded.run(['replay', loaded.service.name, '--json'])
  const swaps: MeasuredSwap[] = []
  for (let swap = 1; swap <= flags.swaps; swap += 1) {
    const measured = await measureSwap(loaded, flags, Math.ceil(seconds * SLOWED_BY) + WARM_UP_MS / 1000)
    say(`${swap}/${flags.swaps}: ${swapText(measured)}`)
    swaps.push(measured)
  }
  return swaps
}

/** @throws Failure 1 where the readers had ended before the swap; Error where one of them met an error. */
async function measureSwap(loaded: LoadedService, flags: Flags, seconds: number): Promise<MeasuredSwap> {
  const { run, service, url } = loaded
  const { mixed, readers, rows } = flags
  const script = READING.replace(':rows', String(Math.min(mixed ?? rows, MOST_OFFSET)))
  const reading = runReaders(url, { readers, script, seconds })
  // A reader that fails says so when it is waited for.
  reading.catch(() => undefined)
  await delay(WARM_UP_MS)
  const from = Date.now()
  await run(['replay', service.name, '--json'], { [variableOf(loaded)]: loggedUrl(url) })
  const to = Date.now()
  const transactions = (await reading).filter(({ endedAtMs }) => endedAtMs > from && endedAtMs < to + BEHIND_MS)
  const swap = await readSwap(url)
  if (!transactions.some(({ endedAtMs }) => endedAtMs > swap.committedAtMs))
    throw new Failure(1, 'The readers had ended before the swap: the replay took far longer beside them than alone.')
  return pauseOf(swap, transactions)
}

function pauseOf(swap: Swap, transactions: readonly Transaction[]): MeasuredSwap {
  const isAt = ({ endedAtMs, latencyMs }: Transaction): boolean =>
    endedAtMs >= swap.lockedAtMs && endedAtMs - latencyMs <= swap.committedAtMs + BEHIND_MS
  const latencies = (chosen: readonly Transaction[]): number[] => chosen.map(({ latencyMs }) => latencyMs)
  const [at, elsewhere] = [transactions.filter(isAt), transactions.filter((transaction) => !isAt(transaction))]
  return {
    lockedMs: swap.committedAtMs - swap.lockedAtMs,
    longestReadMs: percentile(latencies(at), 100) ?? 0,
    longestElsewhereMs: percentile(latencies(elsewhere), 100) ?? 0,
    p99ElsewhereMs: percentile(latencies(elsewhere), 99) ?? 0,
  }
}

function report({ json }: Flags, swaps: readonly MeasuredSwap[]): void {
  if (json === true) return void process.stdout.write(`${JSON.stringify({ swaps })}\n`)
  const row = (title: string, of: (swap: MeasuredSwap) => number): string[] => {
    const values = swaps.map(of)
    return [title, (median(values) ?? 0).toFixed(1), Math.max(...values).toFixed(1)]
  }
  const longest = Math.max(...swaps.map(({ longestReadMs }) => longestReadMs))
  const table = tableText(
    [
      { title: `milliseconds, of ${swaps.length} swaps`, align: 'left' },
      { title: 'median', align: 'right' },
      { title: 'most', align: 'right' },
    ],
    [
      row('from the first lock to the commit', ({ lockedMs }) => lockedMs),
      row('the longest reading then, and just behind', ({ longestReadMs }) => longestReadMs),
      row('the longest reading elsewhere in the replay', ({ longestElsewhereMs }) => longestElsewhereMs),
      row('the 99th percentile elsewhere', ({ p99ElsewhereMs }) => p99ElsewhereMs),
    ],
  )
  process.stdout.write(`${table}\n\nThe aim is below ${AIM_MS} ms${longest < AIM_MS ? '' : ', not reached'}.\n`)
}

function swapText({ lockedMs, longestElsewhereMs, longestReadMs }: MeasuredSwap): string {
  return `locked ${lockedMs.toFixed(1)} ms, longest reading ${longestReadMs.toFixed(1)} ms (elsewhere ${longestElsewhereMs.toFixed(1)} ms)`
}

await runScript(main)
