import * as assert from 'uvu/assert'
import { ANSWER_LIMIT_MS, consume, CONSUMER_WINDOW_BYTES, LOADING_TRANSACTION_BYTES } from '../../consumers/consume.ts'
import type { ConsumeOutcome } from '../../consumers/events.ts'
import type { ContractSet, Entity, Service } from '../../contracts/language/contract-set.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import { tableOf } from '../../infra/catalog/catalog.ts'
import { readCatalog } from '../../infra/catalog/read-catalog.ts'
import { digestSql } from '../../infra/postgres/digest-sql.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import type { Deployment } from '../../infra/preflight/deployment.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import { structureDifferences } from '../../infra/service-database/compare-contract.ts'
import type { PublishOutcome } from '../../publisher/events.ts'
import { PAGE_BYTES, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { withDatabases, withPrefix } from '../with-servers.ts'

/** How the steps of a split are taken. */
export interface SplitManner {
  readonly pageBytes?: number
  /** A broker of the caller's; the shared one by default. */
  readonly natsUrl?: string
  /** How many servers of it hold each stream; 1 by default. */
  readonly replicas?: number
  /** Is told what the publisher says besides its progress. */
  readonly onNotice?: (text: string) => void
  readonly maxOutageMs?: number
}

/** A split from end to end: everything between a monolith and the databases of its services. */
export interface Split extends Deployment {
  readonly publish: () => Promise<PublishOutcome>
  /** Consumers of all services in one process, as `consume --all` runs them. */
  readonly consume: () => Promise<ConsumeOutcome[]>
  /** Fails where a table differs, and names it. */
  readonly assertEqual: () => Promise<void>
}

/** A database for each service, and a log, for as long as `use` takes. */
export async function withSplit<Result>(
  set: ContractSet,
  monolithUrl: string,
  use: (split: Split) => Promise<Result>,
  manner: SplitManner = {},
): Promise<Result> {
  const names = set.services.map(({ name }) => name)
  return await withPrefix(async (prefix, { url }) =>
    withDatabases(names, async (urls) => {
      const nats = { url: manner.natsUrl ?? url, credentialsFile: null, caFile: null }
      const services = set.services.map((service) => ({
        service,
        database: target(`the database of service ${service.name}`, urls[service.name] ?? ''),
      }))
      const monolith = target('the monolith', monolithUrl)
      return await use(splitOf({ set, prefix, monolith, services, nats, replicas: manner.replicas ?? 1 }, manner))
    }),
  )
}

/** Prepares, publishes and consumes at the same time, and compares. */
export async function splitAndCompare(split: Split): Promise<ConsumeOutcome[]> {
  await prepare(split, { withSlot: true, dryRun: false })
  const [outcomes] = await Promise.all([split.consume(), split.publish()])
  await split.assertEqual()
  return outcomes
}

function splitOf(deployment: Deployment, manner: SplitManner): Split {
  const { pageBytes = PAGE_BYTES, maxOutageMs = 10_000, onNotice } = manner
  const { set, prefix, monolith, nats, services } = deployment
  const signal = new AbortController().signal
  return {
    ...deployment,
    publish: async () =>
      await publishSnapshot(
        { set, prefix, monolith, nats },
        { withSlot: true, newEpoch: false, withoutKeeper: true, readers: 2, pageBytes, maxOutageMs, signal },
        (event) => event.type === 'notice' && onNotice?.(event.text),
      ),
    consume: async () => {
      const window = createByteWindow(CONSUMER_WINDOW_BYTES)
      return await Promise.all(
        services.map(
          async ({ service, database }) =>
            await consume(
              { set, prefix, service, database, nats, window },
              {
                untilCaughtUp: true,
                loaders: 2,
                transactionBytes: LOADING_TRANSACTION_BYTES,
                maxWaitMs: 20_000,
                answerLimitMs: ANSWER_LIMIT_MS,
                signal,
              },
              () => undefined,
            ),
        ),
      )
    },
    assertEqual: async () => {
      for (const { service, database } of services) {
        for (const entity of service.entities)
          assert.equal(await digest(database, entity), await digest(monolith, entity), `${service.name}.${entity.name}`)
        assert.equal(await structureOf(database, service), [])
      }
    },
  }
}

async function digest(of: PostgresTarget, entity: Entity): Promise<unknown> {
  return await withSession(of, { purpose: 'test' }, async (client) => (await client.query(digestSql(entity))).rows)
}

/** What a service's tables lack of keys, indexes and foreign keys. */
async function structureOf(database: PostgresTarget, service: Service): Promise<string[]> {
  return await withSession(database, { purpose: 'test' }, async (client) => {
    const catalog = await readCatalog(client, service.entities, { rows: false })
    return service.entities.flatMap((entity) =>
      structureDifferences(service, entity, tableOf(catalog, entity)).map(({ text }) => text),
    )
  })
}

function target(title: string, url: string): PostgresTarget {
  return { title, variable: 'TEST_DATABASE_URL', url }
}
