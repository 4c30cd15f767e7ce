import { Client } from 'pg'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { MonolithConfiguration } from '../configuration/configuration.ts'
import { databaseName } from '../configuration/names.ts'
import { DEFAULT_LOADERS, DEFAULT_READERS } from '../configuration/connections.ts'
import { type EmbeddedNats, startEmbeddedNats } from '../embedded/nats-server.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/postgres-server.ts'

export interface DemoServers {
  readonly postgres: EmbeddedPostgres
  readonly nats: EmbeddedNats
}

const MONOLITH_DATABASE = 'monolith'

/** Starts both servers at once. Where one does not start, or an interruption came meanwhile, the other is stopped. */
export async function startDemoServers(signal: AbortSignal, say: (sentence: string) => void): Promise<DemoServers> {
  const [postgres, nats] = await Promise.allSettled([startEmbeddedPostgres({ say }), startEmbeddedNats({ say })])
  if (postgres.status === 'fulfilled' && nats.status === 'fulfilled' && !signal.aborted)
    return { postgres: postgres.value, nats: nats.value }
  await Promise.all([postgres, nats].map(async (start) => start.status === 'fulfilled' && (await start.value.stop())))
  signal.throwIfAborted()
  throw postgres.status === 'rejected' ? postgres.reason : nats.status === 'rejected' ? nats.reason : signal.reason
}

export async function stopDemoServers({ postgres, nats }: DemoServers): Promise<void> {
  await Promise.all([postgres.stop(), nats.stop()])
}

/** Creates the monolith's database and one for each service, and says where all of them are. */
export async function createDemoDatabases(servers: DemoServers, set: ContractSet): Promise<MonolithConfiguration> {
  const client = new Client({ connectionString: servers.postgres.url })
  await client.connect()
  try {
    for (const name of [MONOLITH_DATABASE, ...set.services.map((service) => service.name)])
      await client.query(`CREATE DATABASE ${quoteIdentifier(name)}`)
  } finally {
    await client.end()
  }
  return demoConfiguration(servers, set)
}

function demoConfiguration({ postgres, nats }: DemoServers, set: ContractSet): MonolithConfiguration {
  const urlOf = (database: string): string => Object.assign(new URL(postgres.url), { pathname: `/${database}` }).href
  return {
    set,
    prefix: set.name,
    monolith: { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url: urlOf(MONOLITH_DATABASE) },
    services: set.services.map((service) => ({
      service,
      database: {
        title: `the database of service ${service.name}`,
        variable: databaseName(service.name),
        url: urlOf(service.name),
      },
    })),
    nats: { url: nats.url, credentialsFile: null, caFile: null },
    replicas: 1,
    readers: DEFAULT_READERS,
    maxRate: null,
    natsMonitorUrl: null,
    token: null,
    // As every embedded broker has it.
    natsSyncIntervalMs: 0,
    loaders: DEFAULT_LOADERS,
  }
}
