import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import type { Client } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { bytesText } from '../../infra/command-line/quantities.ts'
import { tableText } from '../../infra/command-line/tables.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { readMonolithStanding } from '../../infra/following/monolith-standing.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { writeCompiledContracts } from './compiled-package.ts'
import { assertEqualContent, type Entries, entriesEnvironment, makeEntries } from './entries.ts'
import set from './entries-contract.ts'
import { untilApplied, withFollowers } from './followers.ts'
import { POSTGRES_SETTINGS, withClient, withFreshNats } from './servers.ts'

interface Flags {
  readonly megabytes: number
  readonly rate: number
  readonly json?: true
}

/** WAL that the monolith keeps for the slot, as `status` tells it. */
interface Sample {
  readonly seconds: number
  readonly retainedBytes: number
  readonly behindBytes: number
}

/** What was written of WAL that nobody follows, and what the slot kept meanwhile. */
interface Phase {
  readonly seconds: number
  readonly writtenBytes: number
  readonly samples: readonly Sample[]
  readonly largestBytes: number
}

interface Measured {
  readonly steady: Phase
  readonly burst: Phase
  /** From the end of the burst until the slot keeps less than the aim; null where it did not in the time that was given. */
  readonly returnSeconds: number | null
  readonly largestAfterBytes: number
}

/** The slot is to keep less than that while others write steadily, and again so soon after a burst. */
const AIM_BYTES = 64_000_000
const AIM_SECONDS = 30

const SAMPLE_MS = 1_000
/** Between two looks at a slot that is to come back. */
const LOOK_MS = 100
const RETURN_LIMIT_MS = 180_000
/** How often a second the steady writer writes. */
const WRITES_A_SECOND = 10
const ROWS = 10_000
const MEGABYTE = 1_000_000
/** Of a row of the unfollowed table, short enough to be stored as it is. */
const CONTENT_BYTES = 1_024
/** One statement of a burst. */
const BURST_BYTES = 16 * MEGABYTE

const PREFIX = set.name

function readFlags(): Flags {
  return new Command('bench:retention')
    .description('measure what WAL a slot keeps while tables are written that nobody follows')
    .option('--megabytes <number>', 'WAL to write, steadily and then in a burst', wholeNumber(1, 1_000_000), 1_000)
    .option('--rate <number>', 'megabytes a second that are written steadily', wholeNumber(1, 1_000), 2)
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
    const entries = await makeEntries(postgres, ROWS)
    const measured = await withFreshNats(true, async (nats) => {
      const environment = entriesEnvironment(entries, nats)
      return await withFollowers(environment, signal, async () => {
        await untilApplied(environment, signal)
        const figures = await measure(entries, flags, signal)
        await assertFollowed(entries, environment, signal)
        return figures
      })
    })
    report(flags, measured)
  } finally {
    await postgres.stop()
  }
}

async function measure(entries: Entries, { megabytes, rate }: Flags, signal: AbortSignal): Promise<Measured> {
  const bytes = megabytes * MEGABYTE
  const steady = await phase(entries, signal, async (client) => {
    await writeSteadily(client, bytes, rate * MEGABYTE, signal)
  })
  say(`Steadily: ${phaseText(steady)}.`)
  const burst = await phase(entries, signal, async (client) => await writeAtOnce(client, bytes))
  say(`In a burst: ${phaseText(burst)}.`)
  const { largestBytes, returnSeconds } = await untilReturned(entries, signal)
  return { steady, burst, returnSeconds, largestAfterBytes: largestBytes }
}

/** Runs a writer, and looks at the slot once a second until it has ended. */
async function phase(
  { source }: Entries,
  signal: AbortSignal,
  write: (client: Client) => Promise<void>,
): Promise<Phase> {
  return await withClient(source, async (client) => {
    const began = performance.now()
    const from = await readPosition(client)
    const ended = new AbortController()
    const sampling = sample(source, began, AbortSignal.any([signal, ended.signal]))
    try {
      await write(client)
    } finally {
      ended.abort()
    }
    const samples = await sampling
    const writtenBytes = Number((await readPosition(client)) - from)
    const largestBytes = Math.max(...samples.map(({ retainedBytes }) => retainedBytes))
    return { seconds: secondsSince(began), writtenBytes, samples, largestBytes }
  })
}

async function sample(source: string, began: number, signal: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = []
  do {
    samples.push({ seconds: secondsSince(began), ...(await readSlot(source)) })
    await delay(SAMPLE_MS, undefined, { signal }).catch(() => undefined)
  } while (!signal.aborted)
  samples.push({ seconds: secondsSince(began), ...(await readSlot(source)) })
  return samples
}

/** Also what the slot keeps while it comes back is looked at: it may keep more yet. */
async function untilReturned(
  { source }: Entries,
  signal: AbortSignal,
): Promise<{ readonly largestBytes: number; readonly returnSeconds: number | null }> {
  const began = performance.now()
  let largestBytes = 0
  while (performance.now() - began < RETURN_LIMIT_MS) {
    const { retainedBytes } = await readSlot(source)
    largestBytes = Math.max(largestBytes, retainedBytes)
    if (retainedBytes < AIM_BYTES) return { largestBytes, returnSeconds: secondsSince(began) }
    await delay(LOOK_MS, undefined, { signal })
  }
  return { largestBytes, returnSeconds: null }
}

/** As `status` reads it. */
async function readSlot(source: string): Promise<Omit<Sample, 'seconds'>> {
  const target = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: source }
  const { slot } = await readMonolithStanding(target, PREFIX)
  if (slot?.isFollowed !== true) throw new Failure(1, 'Nobody follows the slot any more.')
  return { retainedBytes: slot.retainedBytes, behindBytes: slot.behindBytes }
}

/** By the WAL that comes of it, whatever else is in that. */
async function writeSteadily(client: Client, bytes: number, rate: number, signal: AbortSignal): Promise<void> {
  const [began, from] = [performance.now(), await readPosition(client)]
  for (let written = 0; written < bytes; written = Number((await readPosition(client)) - from)) {
    const due = Math.min(bytes, secondsSince(began) * rate)
    if (due > written) await writeUnfollowed(client, Math.max(due - written, rate / WRITES_A_SECOND))
    await delay(1_000 / WRITES_A_SECOND, undefined, { signal })
  }
}

async function writeAtOnce(client: Client, bytes: number): Promise<void> {
  const from = await readPosition(client)
  while (Number((await readPosition(client)) - from) < bytes) await writeUnfollowed(client, BURST_BYTES)
}

async function writeUnfollowed(client: Client, bytes: number): Promise<void> {
  const rows = Math.max(1, Math.round(bytes / CONTENT_BYTES))
  await client.query(
    `INSERT INTO unfollowed (content) SELECT repeat(md5(n::text), $2) FROM generate_series(1, $1::int) AS n`,
    [rows, CONTENT_BYTES / 32],
  )
}

async function readPosition(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ lsn: string }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS lsn`)
  return BigInt(rows[0]?.lsn ?? 0)
}

/**
 * Sees that what is written to the followed table in the end comes through all of it.
 * @throws Failure 1 where the service has not the monolith's rows.
 */
async function assertFollowed(
  entries: Entries,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  await withClient(entries.source, async (client) => await client.query(`UPDATE "Entry" SET amount = amount + 1`))
  await untilApplied(environment, signal)
  await assertEqualContent(entries)
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1_000
}

function report({ json }: Flags, measured: Measured): void {
  if (json === true) return void process.stdout.write(`${JSON.stringify(measured)}\n`)
  const { burst, largestAfterBytes, returnSeconds, steady } = measured
  const table = tableText(
    [
      { title: 'WAL of tables that nobody follows', align: 'left' },
      { title: 'written', align: 'right' },
      { title: 'seconds', align: 'right' },
      { title: 'kept at most', align: 'right' },
    ],
    [
      ['steadily', bytesText(steady.writtenBytes), steady.seconds.toFixed(1), bytesText(steady.largestBytes)],
      ['in a burst', bytesText(burst.writtenBytes), burst.seconds.toFixed(1), bytesText(burst.largestBytes)],
      ['after the burst', '', (returnSeconds ?? RETURN_LIMIT_MS / 1_000).toFixed(1), bytesText(largestAfterBytes)],
    ],
  )
  const isSteady = steady.largestBytes < AIM_BYTES
  const isBack = returnSeconds !== null && returnSeconds <= AIM_SECONDS
  process.stdout.write(
    `${table}\n\nSteadily the slot kept ${isSteady ? 'less' : 'not less'} than ${bytesText(AIM_BYTES)}; ` +
      `${returnSeconds === null ? 'after the burst it did not come back below that' : `${returnSeconds.toFixed(1)} s after the burst it was below that`} ` +
      `(aim: ${AIM_SECONDS} s${isBack ? '' : ', not reached'}).\n`,
  )
}

function phaseText({ largestBytes, seconds, writtenBytes }: Phase): string {
  return `${bytesText(writtenBytes)} in ${seconds.toFixed(1)} s, ${bytesText(largestBytes)} kept at most`
}

await runScript(main)
