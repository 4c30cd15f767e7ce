import { databaseName } from '../../infra/configuration/names.ts'
import type { EmbeddedNats } from '../../infra/embedded/nats-server.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { Bench } from './bench.ts'
import { command, environmentOf } from './scission-run.ts'
import { natsProcess } from './server-processes.ts'
import { databaseUrl, dropDatabases, makeAnew, withClient, withFreshNats } from './servers.ts'
import { present, timedRun, type TimedRun } from './timed-run.ts'

/** A service that was loaded through a log, which is there to be replayed. */
export interface LoadedService {
  readonly bench: Bench
  readonly nats: EmbeddedNats
  readonly service: Service
  /** Of its database. */
  readonly url: string
  /** Runs a command of ours to its end. */
  readonly run: (
    args: readonly [verb: string, ...flags: string[]],
    environment?: Readonly<Record<string, string>>,
  ) => Promise<TimedRun>
}

/** Splits the source once, and runs an action with the service that the scenario replays. */
export async function withLoadedService<Result>(
  bench: Bench,
  use: (loaded: LoadedService) => Promise<Result>,
): Promise<Result> {
  const { postgres, postmaster, scenario, signal } = bench
  const databases = scenario.set.services.map(({ name }) => `service_${name}`)
  const service = scenario.set.services.find(({ name }) => name === scenario.replayed)
  if (service === undefined) throw new Error(`The scenario has no service ${scenario.replayed}`)
  await makeAnew(postgres, databases)
  const result = await withFreshNats(true, async (nats) => {
    const environment = environmentOf(bench, nats)
    const servers = present({ postgres: postmaster, nats: natsProcess(nats) })
    const run: LoadedService['run'] = async (args, more = {}) =>
      await timedRun([command(args[0], args, { ...environment, ...more })], servers, signal)
    await run(['prepare', '--yes'])
    await timedRun(
      [
        command('publish', ['publish', '--snapshot-only'], environment),
        command('consume', ['consume', '--all', '--until-caught-up'], environment),
      ],
      {},
      signal,
    )
    // The monolith's side is done, and its slot would keep the WAL of all that is measured from here on.
    await run(['cancel', '--yes'])
    const url = databaseUrl(postgres, `service_${service.name}`)
    return await use({ bench, nats, service, url, run })
  })
  await dropDatabases(postgres, databases)
  return result
}

/** The configuration's name of the URL of a loaded service's database. */
export function variableOf({ service }: LoadedService): string {
  return databaseName(service.name)
}

/** Brings all that is to be written to disk, so that each run begins alike. */
export async function checkpoint(url: string): Promise<void> {
  await withClient(url, async (client) => await client.query('CHECKPOINT'))
}
