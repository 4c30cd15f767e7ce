import set from '../../contracts/archimodeler/contract-set.ts'
import { databaseName } from '../../infra/configuration/names.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { keeperPurpose } from '../../infra/postgres/keeper-sessions.ts'
import { withClient } from '../bench/servers.ts'
import { type RestartableNats, withRestartableNats } from '../publisher/restartable-nats.ts'
import { type RestartablePostgres, withRestartablePostgres } from '../restartable-postgres.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import type { Link, Server } from './faults.ts'

/** Servers of a split, and the ways to them. */
export interface World {
  readonly postgres: Readonly<Record<Server, RestartablePostgres>>
  readonly nats: RestartableNats
  readonly links: Readonly<Record<Link, TcpProxy>>
  /** The settings of a command that goes by the proxies, and of one that goes straight. */
  readonly publisher: Readonly<Record<string, string>>
  readonly consumers: Readonly<Record<string, string>>
  readonly straight: Readonly<Record<string, string>>
  /** Straight to the monolith, and to a service's database. */
  readonly monolith: string
  readonly urlOf: (service: string) => string
}

export const SERVICES: readonly string[] = set.services.map(({ name }) => name)

const MONOLITH = 'chaos_monolith'
const databaseOf = (service: string): string => `chaos_${service}`

/** Two servers of PostgreSQL for a whole run; each split has its own databases, broker and proxies. */
export async function withPostgres<Result>(use: (postgres: World['postgres']) => Promise<Result>): Promise<Result> {
  return await withRestartablePostgres(
    async (monolith) => await withRestartablePostgres(async (targets) => await use({ monolith, targets })),
  )
}

/** A monolith of so many elements, with all that a split of it needs, for as long as `use` takes. */
export async function withWorld<Result>(
  postgres: World['postgres'],
  { elements, seed }: { readonly elements: number; readonly seed: number },
  use: (world: World) => Promise<Result>,
): Promise<Result> {
  await makeDatabases(postgres)
  await generateMonolith(urlOfDatabase(postgres.monolith.url, MONOLITH), { elements, seed })
  return await withRestartableNats(
    async (nats) =>
      await withLinks(postgres, nats, async (links) => {
        const world = worldOf(postgres, nats, links)
        try {
          return await use(world)
        } finally {
          for (const proxy of Object.values(links)) proxy.cut()
        }
      }),
  )
}

async function makeDatabases({ monolith, targets }: World['postgres']): Promise<void> {
  await withClient(monolith.url, async (client) => {
    await client.query(`SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active`)
    await client.query(`DROP DATABASE IF EXISTS ${MONOLITH} WITH (FORCE)`).catch(async () => {
      // A slot of the former split is in the way.
      await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots')
      await client.query(`DROP DATABASE IF EXISTS ${MONOLITH} WITH (FORCE)`)
    })
    await client.query(`CREATE DATABASE ${MONOLITH}`)
  })
  await withClient(targets.url, async (client) => {
    for (const service of SERVICES) {
      await client.query(`DROP DATABASE IF EXISTS ${databaseOf(service)} WITH (FORCE)`)
      await client.query(`CREATE DATABASE ${databaseOf(service)}`)
    }
  })
}

async function withLinks<Result>(
  postgres: World['postgres'],
  nats: RestartableNats,
  use: (links: World['links']) => Promise<Result>,
): Promise<Result> {
  return await withTcpProxy(postgres.monolith.port, async (publisherMonolith) =>
    withTcpProxy(nats.port, async (publisherBroker) =>
      withTcpProxy(postgres.targets.port, async (consumersTargets) =>
        withTcpProxy(nats.port, async (consumersBroker) =>
          use({
            'publisher-monolith': publisherMonolith,
            'publisher-broker': publisherBroker,
            'consumers-targets': consumersTargets,
            'consumers-broker': consumersBroker,
          }),
        ),
      ),
    ),
  )
}

function worldOf(postgres: World['postgres'], nats: RestartableNats, links: World['links']): World {
  const monolith = urlOfDatabase(postgres.monolith.url, MONOLITH)
  const urlOf = (service: string): string => urlOfDatabase(postgres.targets.url, databaseOf(service))
  const settings = (
    monolithUrl: string,
    natsUrl: string,
    urlFor: (service: string) => string,
  ): Record<string, string> => ({
    MONOLITH_DATABASE_URL: monolithUrl,
    NATS_URL: natsUrl,
    NATS_SYNC_INTERVAL: 'always',
    ...Object.fromEntries(SERVICES.map((service) => [databaseName(service), urlFor(service)])),
  })
  const byTargets = (service: string): string => urlByWayOf(urlOf(service), links['consumers-targets'])
  const byMonolith = urlByWayOf(monolith, links['publisher-monolith'])
  return {
    postgres,
    nats,
    links,
    monolith,
    urlOf,
    straight: settings(monolith, nats.url, urlOf),
    publisher: settings(byMonolith, urlByWayOf(nats.url, links['publisher-broker']), urlOf),
    consumers: settings(monolith, urlByWayOf(nats.url, links['consumers-broker']), byTargets),
  }
}

/** The keepers' processes on this machine, as their sessions name them; none where the server is away. */
export async function keeperPids({ monolith }: World): Promise<number[]> {
  return await withClient(monolith, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT application_name AS name FROM pg_stat_activity WHERE starts_with(application_name, $1)',
      [`scission ${keeperPurpose(set.name)} (`],
    )
    return rows.flatMap(({ name }) => {
      const pid = Number(/ (\d+)\)$/.exec(name)?.[1])
      return Number.isInteger(pid) && pid > 1 ? [pid] : []
    })
  }).catch(() => [])
}

function urlOfDatabase(server: string, database: string): string {
  return Object.assign(new URL(server), { pathname: `/${database}` }).href
}
