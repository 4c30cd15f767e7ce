import { Command } from 'commander'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import set from '../../contracts/archimodeler/contract-set.ts'
import { Failure } from '../../contracts/failure.ts'
import { consumeTogether } from '../../infra/command-line/consume-together.ts'
import type { MonolithConfiguration } from '../../infra/configuration/configuration.ts'
import { databaseName } from '../../infra/configuration/names.ts'
import { simulateApplication } from '../../infra/demo/application.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { writeMarker } from '../../infra/following/write-marker.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { verify } from '../../infra/verify/verify.ts'
import { PAGE_BYTES, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { databaseUrl, makeAnew, SOURCE_DATABASE, withFreshNats } from '../bench/servers.ts'
import { compareByPsql } from '../kills/compare-by-psql.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'

interface Flags {
  readonly seeds: number
  readonly writers: number
  readonly verifications: number
  readonly elements: number
  readonly seed: number
  readonly json?: true
}

/** What the splits came to. */
interface Outcome {
  seed: number
  splits: number
  writers: number
  transactions: number
  appliedChanges: number
  /** Verifications while all of it was written and followed, and those that said that something differs. */
  verifications: number
  falseAlarms: number
  /** Verifications that could not be made in time, and were repeated. */
  late: number
  /** Rows compared in the end, by psql alone, and tables that differ. */
  rows: number
  lost: number
  doubled: number
  differing: string[]
}

const LAST_MARKER = 'the writers rest'
const MAX_WAIT_MS = 120_000
const MAX_LATE = 20

function readFlags(): Flags {
  return new Command('soak')
    .description(
      'split a monolith again and again while many write to it, verify it meanwhile, and compare all rows by psql alone',
    )
    .option('--seeds <number>', 'how many splits, each of another seed', wholeNumber(1, 10_000), 20)
    .option('--writers <number>', 'sessions that write to the monolith', wholeNumber(1, 120), 64)
    .option(
      '--verifications <number>',
      'how often each split is verified while it is written',
      wholeNumber(0, 1_000),
      5,
    )
    .option('--elements <number>', "the monolith's size", wholeNumber(300, 1_000_000), 5_000)
    .option('--seed <number>', 'the first seed', wholeNumber(0, 2 ** 31), randomInt(2 ** 31))
    .option('--json', 'print the outcome as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const { elements, json, seed, seeds, verifications, writers } = readFlags()
  say(`First seed ${seed}.`)
  const counts = {
    transactions: 0,
    appliedChanges: 0,
    verifications: 0,
    falseAlarms: 0,
    late: 0,
    rows: 0,
    lost: 0,
    doubled: 0,
  }
  const outcome: Outcome = { seed, splits: 0, writers, ...counts, differing: [] }
  const postgres = await startEmbeddedPostgres()
  try {
    for (let index = 0; index < seeds; index += 1) {
      await makeAnew(postgres, [SOURCE_DATABASE, ...set.services.map(({ name }) => databaseOf(name))])
      await generateMonolith(databaseUrl(postgres, SOURCE_DATABASE), { elements, seed: seed + index })
      await playSplit(postgres, { seed: seed + index, verifications, writers }, outcome, signal)
      say(
        `Split ${outcome.splits}: ${outcome.transactions} transactions, ${outcome.verifications} verifications, ${outcome.falseAlarms} false alarms, ${outcome.differing.length} tables differ.`,
      )
    }
  } finally {
    await postgres.stop()
  }
  const whole = outcome.differing.length === 0 && outcome.falseAlarms === 0
  process.stdout.write(`${json === true ? JSON.stringify({ ...outcome, whole }) : JSON.stringify(outcome, null, 2)}\n`)
  if (!whole) process.exitCode = 3
}

/** One split from nothing to its end, written to from before its snapshot until it was verified often enough. */
async function playSplit(
  postgres: EmbeddedPostgres,
  { seed, verifications, writers }: Pick<Flags, 'seed' | 'verifications' | 'writers'>,
  outcome: Outcome,
  interrupted: AbortSignal,
): Promise<void> {
  await withFreshNats(true, async (nats) => {
    const configuration = configurationOf(postgres, nats.url)
    await prepare(configuration, { withSlot: true, dryRun: false })
    const [rest, done] = [new AbortController(), new AbortController()]
    const signal = AbortSignal.any([interrupted, done.signal])
    const work = { transactions: 0, refused: 0 }
    const writing = simulateApplication(
      configuration.monolith.url,
      seed,
      AbortSignal.any([signal, rest.signal]),
      work,
      {
        sessions: writers,
        restMs: 20,
      },
    )
    await sleep(500)
    const publishing = publish(configuration, signal)
    const following = new Set<string>()
    const consuming = consume(configuration, signal, (service, changes) => {
      following.add(service)
      outcome.appliedChanges += changes
    })
    const failed = Promise.all([writing, publishing, consuming])
    failed.catch(() => done.abort())
    const proving = (async () => {
      while (following.size < set.services.length) await sleep(50, undefined, { signal })
      for (let times = 0; times < verifications;) {
        const verified = await verifyOnce(configuration, signal)
        if (verified === 'late') {
          outcome.late += 1
          if (outcome.late > MAX_LATE) throw new Error(`More than ${MAX_LATE} verifications could not be made`)
          continue
        }
        times += 1
        outcome.verifications += 1
        if (!verified) outcome.falseAlarms += 1
      }
    })()
    try {
      await Promise.race([proving, failed.then(() => proving)])
    } catch (error) {
      // The one that failed first tells why; the others end before the servers do.
      done.abort()
      await Promise.allSettled([writing, publishing, consuming, proving])
      throw error
    }
    rest.abort()
    await writing
    await withSession(configuration.monolith, { purpose: 'soak' }, async (client) => {
      await writeMarker(client, configuration.prefix, LAST_MARKER)
    })
    await publishing
    done.abort()
    await consuming
    await consumeTogether(
      configuration,
      { untilCaughtUp: true, loaders: 1, maxWaitMs: MAX_WAIT_MS, signal: interrupted },
      { consumer: () => undefined },
    )
    const { differing, doubled, lost, rows } = await compareByPsql(set, configuration.monolith.url, (name) =>
      databaseUrl(postgres, databaseOf(name)),
    )
    outcome.splits += 1
    outcome.transactions += work.transactions
    outcome.rows += rows
    outcome.lost += lost
    outcome.doubled += doubled
    outcome.differing.push(...differing.map((table) => `${table} (seed ${seed})`))
    await withSession(configuration.monolith, { purpose: 'soak' }, async (client) => {
      await client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active`)
    })
  })
}

/** A verification that could not be made in time says nothing of the rows: an operator would repeat it. */
async function verifyOnce(configuration: MonolithConfiguration, signal: AbortSignal): Promise<boolean | 'late'> {
  try {
    return (await verify(configuration, { limit: 5, signal }, () => undefined)).verified
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== 5) throw error
    say(`A verification was late: ${error.message}`)
    return 'late'
  }
}

async function publish(configuration: MonolithConfiguration, signal: AbortSignal): Promise<void> {
  await publishSnapshot(
    configuration,
    {
      withSlot: true,
      newEpoch: false,
      readers: configuration.readers,
      pageBytes: PAGE_BYTES,
      maxOutageMs: MAX_WAIT_MS,
      follow: { untilMarker: LAST_MARKER, brokerSyncMs: 0 },
      signal,
    },
    (event) => event.type === 'notice' && say(event.text),
  )
}

/** Follows until it is told to end, which is no failure. */
async function consume(
  configuration: MonolithConfiguration,
  signal: AbortSignal,
  told: (service: string, changes: number) => void,
): Promise<void> {
  await consumeTogether(
    configuration,
    { untilCaughtUp: false, loaders: 1, maxWaitMs: MAX_WAIT_MS, signal },
    {
      consumer: (event) => {
        if (event.type === 'phase-entered' && event.phase === 'following') told(event.service, 0)
        if (event.type === 'changes-applied') told(event.service, event.changes)
        if (event.type === 'notice') say(`${event.service}: ${event.text}`)
      },
    },
  ).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

function databaseOf(service: string): string {
  return `service_${service}`
}

function configurationOf(postgres: EmbeddedPostgres, natsUrl: string): MonolithConfiguration {
  const target = (title: string, variable: string, database: string): MonolithConfiguration['monolith'] => {
    return { title, variable, url: databaseUrl(postgres, database) }
  }
  return {
    set,
    prefix: set.name,
    monolith: target('the monolith', 'MONOLITH_DATABASE_URL', SOURCE_DATABASE),
    services: set.services.map((service) => ({
      service,
      database: target(`the database of service ${service.name}`, databaseName(service.name), databaseOf(service.name)),
    })),
    nats: { url: natsUrl, credentialsFile: null, caFile: null },
    replicas: 1,
    readers: 2,
    loaders: 1,
    maxRate: null,
    natsMonitorUrl: null,
    token: null,
    natsSyncIntervalMs: 0,
  }
}

await runScript(main)
