import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import type { Client } from 'pg'
import { type Service, wireColumns } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { databaseName } from '../../infra/configuration/names.ts'
import { simulateApplication } from '../../infra/demo/application.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'
import { wholeNumber, runScript, say } from '../runner/run-script.ts'
import { compiledContracts, writeCompiledContracts } from './compiled-package.ts'
import { mixedScenario } from './mixed-scenario.ts'
import { NativeReplication } from './native-replication.ts'
import { command } from './scission-run.ts'
import { databaseUrl, makeAnew, POSTGRES_SETTINGS, SOURCE_DATABASE, withClient, withFreshNats } from './servers.ts'
import { median, percentile } from './statistics.ts'
import { timedRun } from './timed-run.ts'

interface Flags {
  readonly elements: number
  readonly pairs: number
  readonly seconds: number
  readonly syncInterval: string
  readonly json?: true
}

/** How one contender follows. */
interface Contender {
  /** Loads what there is, and follows. */
  readonly begin: () => Promise<void>
  readonly pause: () => Promise<void>
  readonly goOn: () => Promise<void>
  /** How far a service is: a position behind the last commit that is applied, or of it. */
  readonly position: (client: Client, service: string) => Promise<bigint>
  readonly end: () => Promise<void>
  readonly urlOf: (service: string) => string
}

/** What one run of a contender came to. */
interface Measured {
  /** From the commit of one update of all `Element` rows until it is visible. */
  readonly updateSeconds: number
  readonly updatedRows: number
  /** From the start with so many transactions waiting until all are applied. */
  readonly backlogSeconds: number
  readonly backlogTransactions: number
  /** From commit to visible, while the application writes, in milliseconds. */
  readonly latencyP50: number | null
  readonly latencyP99: number | null
  readonly latencyLoad: number
}

const LOAD = { sessions: 10, restMs: 8 }
const BACKLOG = { sessions: 8, restMs: 0 }
const PROBES = 200
const LOOK_MS = 2

function readFlags(): Flags {
  return new Command('bench:follow')
    .description("measure how fast changes are applied, beside PostgreSQL's own logical replication")
    .option(
      '--elements <number>',
      "the monolith's size; all of its elements are updated at once",
      wholeNumber(1_000, 10_000_000),
      300_000,
    )
    .option('--pairs <number>', 'how often each is measured', wholeNumber(1, 100), 3)
    .option('--seconds <number>', 'how long transactions are written that then wait', wholeNumber(1, 3_600), 20)
    .option('--sync-interval <duration>', "the broker's `sync_interval`: `always`, or such as `1s`", 'always')
    .option('--json', 'print the results as one line of JSON on standard output')
    .exitOverride()
    .parse()
    .opts<Flags>()
}

async function main(signal: AbortSignal): Promise<void> {
  const flags = readFlags()
  const scenario = mixedScenario(flags.elements)
  await writeCompiledContracts()
  const settings = {
    ...POSTGRES_SETTINGS,
    max_replication_slots: '40',
    max_wal_senders: '40',
    max_logical_replication_workers: '40',
    max_worker_processes: '60',
  }
  const postgres = await startEmbeddedPostgres({ settings })
  const runs: { scission: Measured[]; native: Measured[] } = { scission: [], native: [] }
  try {
    for (let pair = 1; pair <= flags.pairs; pair += 1)
      for (const name of pair % 2 === 1 ? (['scission', 'native'] as const) : (['native', 'scission'] as const)) {
        await makeAnew(postgres, [SOURCE_DATABASE, ...scenario.set.services.map(({ name: of }) => databaseOf(of))])
        await scenario.fill(databaseUrl(postgres, SOURCE_DATABASE))
        const measured = await withFreshNats(flags.syncInterval, async (nats) => {
          const contender =
            name === 'native'
              ? new NativeReplication(postgres, scenario.set.services, databaseOf)
              : scission(postgres, { url: nats.url, syncInterval: flags.syncInterval }, scenario.set.services, signal)
          return await measure(postgres, contender, scenario.set.services, flags)
        })
        runs[name].push(measured)
        say(`${pair}/${flags.pairs} ${name}: ${JSON.stringify(measured)}`)
      }
  } finally {
    await postgres.stop()
  }
  report(runs)
}

async function measure(
  postgres: EmbeddedPostgres,
  contender: Contender,
  services: readonly Service[],
  { seconds }: Flags,
): Promise<Measured> {
  const source = databaseUrl(postgres, SOURCE_DATABASE)
  await contender.begin()
  const { rowCount: updatedRows } = await withClient(
    source,
    async (client) => await client.query(`UPDATE "Element" SET name = name || '.'`),
  )
  const updateSeconds = await untilApplied(source, contender, services)
  const latencies = await probe(source, contender)
  await contender.pause()
  const backlogTransactions = await write(source, seconds * 1_000, BACKLOG)
  const began = performance.now()
  await contender.goOn()
  await untilApplied(source, contender, services)
  const backlogSeconds = (performance.now() - began) / 1_000
  await contender.end()
  return { updateSeconds, updatedRows: updatedRows ?? 0, backlogSeconds, backlogTransactions, ...latencies }
}

/** Touches a row of each service, and waits until all have applied that. @returns the seconds since. */
async function untilApplied(source: string, contender: Contender, services: readonly Service[]): Promise<number> {
  const began = performance.now()
  const written = await withClient(source, async (client) => {
    const { rows } = await client.query<{ lsn: string }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS lsn`)
    for (const { entities } of services) {
      const [entity] = entities
      const [column] = entity === undefined ? [] : wireColumns(entity)
      if (entity === undefined || column === undefined) continue
      const [table, name] = [tableSql(entity), quoteIdentifier(column.name)]
      await client.query(`UPDATE ${table} SET ${name} = ${name} WHERE ctid = (SELECT min(ctid) FROM ${table})`)
    }
    return BigInt(rows[0]?.lsn ?? 0)
  })
  // By one session a service: to open one for each look would take as much of the processors as the applying does.
  for (const { name } of services)
    await withClient(contender.urlOf(name), async (client) => {
      while ((await contender.position(client, name)) < written) await delay(5)
    })
  return (performance.now() - began) / 1_000
}

async function write(source: string, forMs: number, load: { sessions: number; restMs: number }): Promise<number> {
  const work = { transactions: 0, refused: 0 }
  await simulateApplication(source, 1, AbortSignal.timeout(forMs), work, load)
  return work.transactions
}

/** One row is changed, and looked for, again and again, while the application writes. */
async function probe(
  source: string,
  contender: Contender,
): Promise<Pick<Measured, 'latencyP50' | 'latencyP99' | 'latencyLoad'>> {
  const stop = new AbortController()
  const work = { transactions: 0, refused: 0 }
  const began = performance.now()
  const writing = simulateApplication(source, 2, stop.signal, work, LOAD)
  const latencies = await withClient(
    source,
    async (writer) =>
      await withClient(contender.urlOf('iam'), async (reader) => {
        const { rows } = await writer.query<{ id: string }>('SELECT id FROM "Role" ORDER BY id LIMIT 1')
        const id = rows[0]?.id
        const found: number[] = []
        for (let number = 0; number < PROBES; number += 1) {
          await writer.query('UPDATE "Role" SET description = $2 WHERE id = $1', [id, `probe ${number}`])
          const committed = performance.now()
          for (;;) {
            const seen = await reader.query<{ description: string }>('SELECT description FROM "Role" WHERE id = $1', [
              id,
            ])
            if (seen.rows[0]?.description === `probe ${number}`) break
            await delay(LOOK_MS)
          }
          found.push(performance.now() - committed)
          await delay(20)
        }
        return found
      }),
  )
  stop.abort()
  await writing
  const latencyLoad = work.transactions / ((performance.now() - began) / 1_000)
  return { latencyP50: percentile(latencies, 50), latencyP99: percentile(latencies, 99), latencyLoad }
}

/** The compiled package, as processes of its own. */
function scission(
  postgres: EmbeddedPostgres,
  nats: { readonly url: string; readonly syncInterval: string },
  services: readonly Service[],
  signal: AbortSignal,
): Contender {
  const urlOf = (service: string): string => databaseUrl(postgres, databaseOf(service))
  const environment = {
    MONOLITH_DATABASE_URL: databaseUrl(postgres, SOURCE_DATABASE),
    NATS_URL: nats.url,
    NATS_SYNC_INTERVAL: nats.syncInterval,
    SCISSION_CONTRACTS: compiledContracts('mixed-contract'),
    ...Object.fromEntries(services.map(({ name }) => [databaseName(name), urlOf(name)])),
  }
  const run = async (...args: string[]): Promise<void> => {
    await timedRun([command(args[0] ?? '', args, environment)], {}, signal)
  }
  let running: ChildProcess[] = []
  const goOn = async (): Promise<void> => {
    running = [['publish'], ['consume', '--all']].map((args) => {
      const { program, args: all } = command(args[0] ?? '', args, environment)
      return spawn(program, all, { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'inherit'] })
    })
    await Promise.resolve()
  }
  const pause = async (): Promise<void> => {
    for (const child of running) child.kill('SIGINT')
    await Promise.all(running.map(async (child) => child.exitCode ?? (await once(child, 'exit'))))
  }
  return {
    urlOf,
    goOn,
    pause,
    begin: async () => {
      await run('prepare', '--yes')
      await goOn()
      await run('lag', '--max-lag', '0s', '--wait', '30m')
    },
    position: async (client) => {
      const { rows } = await client.query<{ lsn: string | null }>(
        `SELECT (lsn - '0/0'::pg_lsn)::text AS lsn FROM scission.checkpoint`,
      )
      return BigInt(rows[0]?.lsn ?? 0)
    },
    end: async () => {
      await pause()
      await run('cancel', '--yes')
    },
  }
}

function databaseOf(service: string): string {
  return `service_${service}`
}

function report(runs: { readonly scission: readonly Measured[]; readonly native: readonly Measured[] }): void {
  const of = (name: 'scission' | 'native', value: (run: Measured) => number | null): number =>
    median(runs[name].map((run) => value(run) ?? Number.NaN)) ?? Number.NaN
  const updates = (run: Measured): number => run.updatedRows / run.updateSeconds
  const transactions = (run: Measured): number => run.backlogTransactions / run.backlogSeconds
  const result = {
    ratios: {
      update: of('scission', updates) / of('native', updates),
      backlog: of('scission', transactions) / of('native', transactions),
    },
    updatedRowsPerSecond: { scission: of('scission', updates), native: of('native', updates) },
    transactionsPerSecond: { scission: of('scission', transactions), native: of('native', transactions) },
    latencyP99: { scission: of('scission', (run) => run.latencyP99), native: of('native', (run) => run.latencyP99) },
    latencyP50: { scission: of('scission', (run) => run.latencyP50), native: of('native', (run) => run.latencyP50) },
    runs,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

await runScript(main)
