import { setTimeout as delay } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { bytesText, countText } from '../../infra/command-line/quantities.ts'
import { tableText } from '../../infra/command-line/tables.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { writeCompiledContracts } from './compiled-package.ts'
import { assertEqualContent, type Entries, ENTRIES, entriesEnvironment, makeEntries, readApplied } from './entries.ts'
import { untilApplied, withFollowers } from './followers.ts'
import { type ProcessMemory, watchMemory } from './memory-watch.ts'
import { POSTGRES_SETTINGS, withClient, withFreshNats } from './servers.ts'

interface Flags {
  readonly rows: number
  readonly change: 'update' | 'insert' | 'delete'
  readonly json?: true
}

/** What one transaction came to. */
interface Measured {
  readonly rows: number
  readonly change: Flags['change']
  /** From its beginning to its commit. */
  readonly transactionSeconds: number
  /** From its commit until all of it is visible in the service. */
  readonly appliedSeconds: number
  readonly rowsPerSecond: number
  readonly processes: readonly (ProcessMemory & { readonly beforeBytes: number })[]
  readonly largestBytes: number
}

/** What no process of ours is to reach, whatever the size of the transaction. */
const AIM_BYTES = 256_000_000
const LOOK_MS = 50

function readFlags(): Flags {
  return new Command('bench:large')
    .description('measure what one large transaction takes of memory while it is followed')
    .option('--rows <number>', 'rows that it changes', wholeNumber(1, 100_000_000), 5_000_000)
    .addOption(
      new Option('--change <kind>', 'what it does with them').choices(['update', 'insert', 'delete']).default('update'),
    )
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
    say(`Making ${countText(flags.rows)} rows …`)
    const entries = await makeEntries(postgres, flags.change === 'insert' ? 0 : flags.rows)
    const measured = await withFreshNats(true, async (nats) => {
      const environment = entriesEnvironment(entries, nats)
      return await withFollowers(environment, signal, async ({ pids }) => {
        const watch = watchMemory(pids)
        await untilApplied(environment, signal)
        const before = watch.look()
        const times = await changeAndWait(entries, flags, signal)
        return measuredOf(flags, times, before, watch.end())
      })
    })
    report(flags, measured)
  } finally {
    await postgres.stop()
  }
}

type Times = Pick<Measured, 'transactionSeconds' | 'appliedSeconds'>

/** @throws Failure 1 where the service has not the monolith's rows in the end. */
async function changeAndWait(entries: Entries, flags: Flags, signal: AbortSignal): Promise<Times> {
  const began = performance.now()
  const written = await change(entries, flags)
  const committed = performance.now()
  say(`Committed after ${seconds(began, committed).toFixed(1)} s.`)
  while ((await readApplied(entries.service)) < written) await delay(LOOK_MS, undefined, { signal })
  const applied = performance.now()
  say(`Applied after further ${seconds(committed, applied).toFixed(1)} s.`)
  await assertEqualContent(entries)
  return { transactionSeconds: seconds(began, committed), appliedSeconds: seconds(committed, applied) }
}

/** @returns a position before the transaction's commit record, and behind all other commits. */
async function change({ source }: Entries, { change: kind, rows }: Flags): Promise<bigint> {
  return await withClient(source, async (client) => {
    await client.query('BEGIN')
    const done = await client.query(CHANGES[kind], kind === 'insert' ? [1, rows] : [])
    if (done.rowCount !== rows) throw new Error(`${done.rowCount} rows were changed`)
    const position = await client.query<{ lsn: string }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS lsn`)
    await client.query('COMMIT')
    return BigInt(position.rows[0]?.lsn ?? 0)
  })
}

const CHANGES: Readonly<Record<Flags['change'], string>> = {
  update: `UPDATE "Entry" SET amount = amount + 1`,
  insert: `INSERT INTO "Entry" ${ENTRIES}`,
  delete: `DELETE FROM "Entry"`,
}

function seconds(from: number, to: number): number {
  return (to - from) / 1_000
}

function measuredOf(
  { change: kind, rows }: Flags,
  times: Times,
  before: readonly ProcessMemory[],
  after: readonly ProcessMemory[],
): Measured {
  const processes = after.map((memory) => {
    const known = before.find(({ name }) => name === memory.name)
    return { ...memory, beforeBytes: known?.peakBytes ?? 0 }
  })
  const largestBytes = Math.max(...processes.map(({ peakBytes }) => peakBytes))
  return { rows, change: kind, ...times, rowsPerSecond: rows / times.appliedSeconds, processes, largestBytes }
}

function report({ json }: Flags, measured: Measured): void {
  if (json === true) return void process.stdout.write(`${JSON.stringify(measured)}\n`)
  const { appliedSeconds, change: kind, largestBytes, processes, rows, rowsPerSecond, transactionSeconds } = measured
  const table = tableText(
    [
      { title: 'process', align: 'left' },
      { title: 'largest before', align: 'right' },
      { title: 'largest in the end', align: 'right' },
    ],
    processes.map(({ beforeBytes, name, peakBytes }) => [name, bytesText(beforeBytes), bytesText(peakBytes)]),
  )
  const verdict = largestBytes < AIM_BYTES ? 'is below' : 'is not below'
  process.stdout.write(
    `${table}\n\n${countText(rows)} rows, ${kind}: committed in ${transactionSeconds.toFixed(1)} s, applied ${appliedSeconds.toFixed(1)} s ` +
      `after that (${countText(rowsPerSecond)} rows/s), with equal count and content.\n` +
      `The largest process ${verdict} ${bytesText(AIM_BYTES)}.\n`,
  )
}

await runScript(main)
