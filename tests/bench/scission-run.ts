import { connect } from 'nats'
import { databaseName } from '../../infra/configuration/names.ts'
import type { EmbeddedNats } from '../../infra/embedded/nats-server.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { COMPILED_COMMAND, compiledContracts } from './compiled-package.ts'
import { assertSameShape, readShape } from './copy-shape.ts'
import type { Bench } from './bench.ts'
import type { Usage } from './process-watch.ts'
import { logFileBytes, natsProcess } from './server-processes.ts'
import { databaseUrl, dropDatabases, makeAnew, SOURCE_DATABASE, splitPassword, withFreshNats } from './servers.ts'
import { median } from './statistics.ts'
import { present, type Program, type TimedRun, timedRun } from './timed-run.ts'

/** What one run of ours took. */
export interface ScissionRun {
  /** `publish` and `consume`, started together, until both have ended. */
  readonly seconds: number
  /** `prepare`, before them. */
  readonly prepareSeconds: number
  /** Until each of the two had ended. */
  readonly endedAfterSeconds: Readonly<Record<string, number>>
  readonly usage: Readonly<Record<string, Usage>>
  /** The streams' files. */
  readonly logBytes: number | null
  /** The messages as the streams count them: before compression. */
  readonly messageBytes: number
  readonly verification: Verification | null
}

export interface Verification {
  /** As `verify` says it itself. */
  readonly seconds: number
  /** Reading the same tables by COPY to a sink, one after the other. */
  readonly sinkSeconds: number
}

export interface ScissionOptions {
  readonly syncAlways: boolean
  /** Whether the result is verified, after the clock has stopped. */
  readonly verify: boolean
}

/** Splits the source once, into new databases and through a new broker. */
export async function runScission(bench: Bench, options: ScissionOptions): Promise<ScissionRun> {
  const { postgres, scenario } = bench
  const databases = scenario.set.services.map(({ name }) => `service_${name}`)
  return await withFreshNats(options.syncAlways, async (nats) => {
    const environment = environmentOf(bench, nats)
    await makeAnew(postgres, databases)
    const run = await splitOnce(bench, nats, environment, options)
    // A slot that stayed would keep the WAL of all who come later. After a failure the servers go, and it with them.
    await runAlone(bench, command('cancel', ['cancel', '--yes'], environment))
    await dropDatabases(postgres, databases)
    return run
  })
}

async function splitOnce(
  bench: Bench,
  nats: EmbeddedNats,
  environment: Program['environment'],
  options: ScissionOptions,
): Promise<ScissionRun> {
  const { scenario, postgres, postmaster, shape, signal } = bench
  const prepared = await runAlone(bench, command('prepare', ['prepare', '--yes'], environment))
  const { seconds, endedAfterSeconds, usage } = await timedRun(
    [
      command('publisher', ['publish', '--snapshot-only'], environment),
      command('consumer', ['consume', '--all', '--until-caught-up'], environment),
    ],
    present({ postgres: postmaster, nats: natsProcess(nats) }),
    signal,
  )
  const urls = scenario.set.services.map(({ name }) => databaseUrl(postgres, `service_${name}`))
  assertSameShape('scission', shape, await readShape(urls, scenario.set))
  return {
    seconds,
    prepareSeconds: prepared.seconds,
    endedAfterSeconds,
    usage,
    logBytes: (await logFileBytes(nats)) ?? null,
    messageBytes: await messageBytesOf(nats),
    verification: options.verify ? await verifyRun(bench, environment) : null,
  }
}

/** `verify` fails where a row differs, and the benchmark with it. */
async function verifyRun(bench: Bench, environment: Program['environment']): Promise<Verification> {
  const { output } = await runAlone(bench, command('verify', ['verify', '--json'], environment))
  const report = JSON.parse(output['verify'] ?? '{}') as { readonly seconds: number }
  return { seconds: report.seconds, sinkSeconds: await sinkSecondsOf(bench) }
}

async function sinkSecondsOf(bench: Bench): Promise<number> {
  const { scenario, postgres } = bench
  let total = 0
  for (const { name, entities } of scenario.set.services) {
    const copies = entities.flatMap(({ table }) => ['-c', `COPY ${quoteIdentifier(table)} TO STDOUT`])
    const { password, href } = splitPassword(databaseUrl(postgres, `service_${name}`))
    const args = ['-qX', '-o', '/dev/null', ...copies, href]
    const environment = { PGPASSWORD: password }
    total += (await runAlone(bench, { name: 'psql', program: 'psql', args, environment })).seconds
  }
  return total
}

/** How long a command takes that does nothing: Node's start, and the loading of modules. */
export async function measureStart(signal: AbortSignal): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < STARTS; count += 1)
    times.push((await timedRun([command('version', ['--version'], {})], {}, signal)).seconds)
  return median(times) ?? 0
}

const STARTS = 3

async function runAlone({ signal }: Bench, program: Program): Promise<TimedRun> {
  return await timedRun([program], {}, signal)
}

export function command(name: string, args: readonly string[], environment: Program['environment']): Program {
  return { name, program: process.execPath, args: [...COMPILED_COMMAND, ...args], environment }
}

export function environmentOf({ scenario, postgres }: Bench, nats: EmbeddedNats): Record<string, string> {
  const services = scenario.set.services.map(({ name }) => [
    databaseName(name),
    databaseUrl(postgres, `service_${name}`),
  ])
  return {
    MONOLITH_DATABASE_URL: databaseUrl(postgres, SOURCE_DATABASE),
    NATS_URL: nats.url,
    SCISSION_CONTRACTS: compiledContracts(scenario.contracts),
    ...Object.fromEntries(services),
  }
}

async function messageBytesOf({ port, user, password }: EmbeddedNats): Promise<number> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user, pass: password })
  try {
    const manager = await connection.jetstreamManager()
    let bytes = 0
    for await (const { state } of manager.streams.list()) bytes += state.bytes
    return bytes
  } finally {
    await connection.close()
  }
}
