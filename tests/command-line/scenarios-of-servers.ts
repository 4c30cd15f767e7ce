import { createHash } from 'node:crypto'
import { connect } from 'nats'
import { withEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { withTransactionPooler } from '../transaction-pooler.ts'
import { BACKUP_SCENARIOS } from './backup-scenarios.ts'
import { CONTRACTS_SCENARIOS } from './contracts-scenarios.ts'
import { withFakeNats, withFakeOldPostgres } from './fake-servers.ts'
import type { CommandResult } from './run-command.ts'
import type { Scenario } from './scenarios-of-usage.ts'
import { runSql, type Shop, succeed, withClient, withShop } from './shop.ts'

const PREPARE = ['prepare', '--no-slot', '--yes']
const PUBLISH = ['publish', '--snapshot-only', '--no-slot']
const CONSUME = ['consume', 'sales', '--until-caught-up']

/** `prepare` on a shop whose monolith or service was changed first. */
function prepareAfter(place: 'monolith' | 'sales', ...statements: string[]): Scenario {
  return async () =>
    await withShop(async (shop) => {
      await runSql(shop[place], statements)
      return await shop.run(PREPARE)
    })
}

/** `publish` in another environment; it needs the monolith and NATS. */
function publishWith(environment: (shop: Shop) => Readonly<Record<string, string>>): Scenario {
  return async () => await withShop(async (shop) => await shop.run(PUBLISH, environment(shop)))
}

function prepareWith(environment: (shop: Shop) => Readonly<Record<string, string>>): Scenario {
  return async () => await withShop(async (shop) => await shop.run(PREPARE, environment(shop)))
}

/** A command after others that succeed, and statements in the service's database. */
function after(before: readonly (readonly string[])[], args: readonly string[], ...statements: string[]): Scenario {
  return async () =>
    await withShop(async (shop) => {
      for (const command of before) await succeed(shop.run(command))
      await runSql(shop.sales, statements)
      return await shop.run(args)
    })
}

function changedUrl(url: string, change: (url: URL) => void): string {
  const changed = new URL(url)
  change(changed)
  return changed.href
}

/** What servers, and what is in them, keep from being done. */
export const SERVER_SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...BACKUP_SCENARIOS,
  ...CONTRACTS_SCENARIOS,
  'refused-connection': publishWith((shop) => ({
    MONOLITH_DATABASE_URL: changedUrl(shop.monolith, (url) => (url.port = '1')),
  })),
  'unknown-host': publishWith((shop) => ({
    MONOLITH_DATABASE_URL: changedUrl(shop.monolith, (url) => (url.hostname = 'monolith.invalid')),
  })),
  'wrong-password': publishWith((shop) => ({
    MONOLITH_DATABASE_URL: changedUrl(shop.monolith, (url) => (url.password = 'hidden-8')),
  })),
  'no-database': publishWith((shop) => ({
    MONOLITH_DATABASE_URL: changedUrl(shop.monolith, (url) => (url.pathname = '/nowhere')),
  })),
  'postgres-too-old': async () =>
    await withFakeOldPostgres(
      async (url) => await withShop(async (shop) => await shop.run(PREPARE, { MONOLITH_DATABASE_URL: url })),
    ),
  'nats-away': publishWith(() => ({ NATS_URL: 'nats://user:hidden-9@127.0.0.1:1' })),
  'nats-password': publishWith((shop) => ({
    NATS_URL: changedUrl(shop.environment['NATS_URL'] ?? '', (url) => (url.password = 'hidden-10')),
  })),
  'nats-too-old': async () =>
    await withFakeNats(
      { version: '2.9.10', jetstream: true },
      async (NATS_URL) => await publishWith(() => ({ NATS_URL }))(),
    ),
  'nats-without-jetstream': async () =>
    await withFakeNats(
      { version: '2.10.27', jetstream: false },
      async (NATS_URL) => await publishWith(() => ({ NATS_URL }))(),
    ),
  'monitor-away': prepareWith(() => ({ NATS_MONITOR_URL: 'http://127.0.0.1:1' })),
  'full-stream': async () =>
    await withShop(async (shop) => {
      await succeed(shop.run(PREPARE))
      await boundStream(shop, 10)
      return await shop.run([...PUBLISH, '--max-outage', '1s'])
    }),
  pooler: async () =>
    await withShop(async (shop) => {
      const itsPort = Number(new URL(shop.monolith).port)
      return await withTransactionPooler(itsPort, async (port) => {
        const MONOLITH_DATABASE_URL = changedUrl(shop.monolith, (url) => (url.port = String(port)))
        return await shop.run(PREPARE, { MONOLITH_DATABASE_URL })
      })
    }),
  'no-cluster': prepareWith(() => ({ SCISSION_REPLICAS: '3' })),
  'wal-level': withTakenSlot,
  'no-free-slot': withTakenSlot,
  'unclaimed-table': withOtherMonolith,
  'missing-column': withOtherMonolith,
  'extra-column': withOtherMonolith,
  'retyped-column': withOtherMonolith,
  'unknown-label': withOtherMonolith,
  'missing-table': prepareAfter('monolith', 'DROP TABLE "Order"'),
  'hidden-rows': prepareAsRole('ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY'),
  'table-not-empty': prepareAfter(
    'sales',
    `CREATE TYPE "OrderState" AS ENUM ('OPEN', 'SHIPPED')`,
    'CREATE TABLE "Order" (id text PRIMARY KEY, state "OrderState" NOT NULL, city text, note text)',
    `INSERT INTO "Order" VALUES ('9', 'OPEN', NULL, 'of another origin')`,
  ),
  'existing-table': prepareAfter(
    'sales',
    'CREATE TABLE "Order" (id text PRIMARY KEY, state text NOT NULL, city text, note text)',
  ),
  'unsafe-stream': withUnsafeStream,
  'foreign-database': async () =>
    await withShop(async (shop) => {
      await succeed(shop.run(PREPARE))
      return await shop.run(PREPARE, { SCISSION_PREFIX: `${shop.prefix}_other` })
    }),
  'prepare-unasked': async () => await withShop(async (shop) => await shop.run(['prepare', '--no-slot'])),
  'cancel-unasked': after([PREPARE], ['cancel', '--with-log']),
  'publish-unprepared': after([], PUBLISH),
  'publish-without-slot-record': after([PREPARE], ['publish', '--snapshot-only']),
  'second-publisher': withSecondPublisher,
  'monolith-away': withMonolithAway,
  'consume-unprepared': after([], CONSUME),
  'second-consumer': withSecondConsumer,
  'service-away': withServiceAway,
  'nothing-published': after([PREPARE], [...CONSUME, '--max-outage', '1s']),
  'replay-unpublished': after([PREPARE], ['replay', 'sales']),
  'replay-unloaded': after([PREPARE, PUBLISH], ['replay', 'sales']),
  'replay-view': after(
    [PREPARE, PUBLISH, CONSUME],
    ['replay', 'sales'],
    'CREATE VIEW cities AS SELECT city FROM "Order"',
  ),
  'verify-unprepared': after([], ['verify']),
  'verify-unpublished': after([PREPARE], ['verify']),
  'verify-unloaded': after([PREPARE, PUBLISH], ['verify']),
}

/** A publisher that waits for a table when all its connections to the monolith break, and no other can be made. */
async function withMonolithAway(): Promise<CommandResult> {
  return await withShop(async (shop) => {
    await succeed(shop.run(PREPARE))
    return await withTcpProxy(Number(new URL(shop.monolith).port), async (proxy) => {
      return await withClient(shop.monolith, async (locker) => {
        await locker.query('BEGIN; LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE')
        const url = urlByWayOf(shop.monolith, proxy)
        const publisher = shop.start([...PUBLISH, '--max-outage', '2s'], { MONOLITH_DATABASE_URL: url })
        await publisher.waitFor(' waits for PostgreSQL process ')
        proxy.refuse(true)
        proxy.cut()
        return await publisher.ended
      })
    })
  })
}

/** A server of one's own, as a container image has it, with its one slot taken. */
let takenSlot: Promise<CommandResult> | undefined
async function withTakenSlot(): Promise<CommandResult> {
  // Two rows of the table are told by one run.
  takenSlot ??= withEmbeddedPostgres(
    { settings: { wal_level: 'replica', max_replication_slots: '1' }, fsync: false },
    async ({ url }) =>
      await withShop(async (shop) => {
        await runSql(url, [`SELECT pg_create_physical_replication_slot('taken')`])
        return await shop.run(['prepare', '--yes'], { MONOLITH_DATABASE_URL: url })
      }),
  )
  return await takenSlot
}

/** A monolith that is not as its contract has it, in several ways. */
let otherMonolith: Promise<CommandResult> | undefined
async function withOtherMonolith(): Promise<CommandResult> {
  // All is told by one run.
  otherMonolith ??= prepareAfter(
    'monolith',
    'CREATE TABLE "Invoice" (id text PRIMARY KEY)',
    'ALTER TABLE "Order" DROP note, ADD total numeric, ALTER city TYPE varchar(20)',
    `ALTER TYPE "OrderState" ADD VALUE 'RETURNED'`,
  )()
  return await otherMonolith
}

/** `prepare` as a role that is no superuser, after its database was changed by one. */
function prepareAsRole(...statements: string[]): Scenario {
  return async () =>
    await withShop(async (shop) => {
      const role = `reader_${createHash('sha256').update(shop.prefix).digest('hex').slice(0, 8)}`
      await runSql(shop.monolith, [
        `CREATE ROLE ${role} LOGIN PASSWORD 'hidden-11'`,
        `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
        ...statements,
      ])
      try {
        const asRole = changedUrl(shop.monolith, (url) => Object.assign(url, { username: role, password: 'hidden-11' }))
        return await shop.run(PREPARE, { MONOLITH_DATABASE_URL: asRole })
      } finally {
        await runSql(shop.monolith, [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`])
      }
    })
}

async function withUnsafeStream(): Promise<CommandResult> {
  return await withShop(async (shop) => {
    const { host, username, password } = new URL(shop.environment['NATS_URL'] ?? '')
    const connection = await connect({ servers: host, user: username, pass: password })
    try {
      const manager = await connection.jetstreamManager()
      const name = `${shop.prefix}_sales`.toUpperCase()
      await manager.streams.add({ name, subjects: [`${shop.prefix}.sales.>`], max_msgs: 1000 })
    } finally {
      await connection.close()
    }
    return await shop.run(PREPARE)
  })
}

/** The first publisher waits behind a lock that the test holds, so that the second one surely meets it. */
async function withSecondPublisher(): Promise<CommandResult> {
  return await withShop(async (shop) => {
    await succeed(shop.run(PREPARE))
    return await withClient(shop.monolith, async (client) => {
      await client.query('BEGIN; LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE')
      const first = shop.start(PUBLISH)
      try {
        const publishers = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
        while ((await client.query(publishers)).rowCount === 0) await client.query('SELECT pg_sleep(0.05)')
        return await shop.run(PUBLISH)
      } finally {
        await client.query('ROLLBACK')
        await first.ended
      }
    })
  })
}

/** The service's database goes away, for the consumer, when it has begun. */
async function withServiceAway(): Promise<CommandResult> {
  return await withShop(async (shop) => {
    await succeed(shop.run(PREPARE))
    return await withTcpProxy(Number(new URL(shop.sales).port), async (proxy) => {
      const environment = { SALES_DATABASE_URL: urlByWayOf(shop.sales, proxy) }
      const consuming = shop.start(['consume', 'sales', '--max-outage', '2s'], environment)
      await consuming.waitFor('sales: waits')
      proxy.refuse(true)
      proxy.cut()
      return await consuming.ended
    })
  })
}

async function withSecondConsumer(): Promise<CommandResult> {
  return await withShop(async (shop) => {
    await succeed(shop.run(PREPARE))
    const first = shop.start(['consume', 'sales'])
    try {
      await first.waitFor('sales: waits')
      return await shop.run(CONSUME)
    } finally {
      first.kill('SIGTERM')
      await first.ended
    }
  })
}

async function boundStream({ environment, prefix }: Shop, maxBytes: number): Promise<void> {
  const { host, username, password } = new URL(environment['NATS_URL'] ?? '')
  const connection = await connect({ servers: host, user: username, pass: decodeURIComponent(password) })
  try {
    const { streams } = await connection.jetstreamManager()
    const name = `${prefix.toUpperCase()}_SALES`
    const { config } = await streams.info(name)
    await streams.update(name, { ...config, max_bytes: maxBytes })
  } finally {
    await connection.close()
  }
}
