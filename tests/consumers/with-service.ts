import { randomBytes } from 'node:crypto'
import pg from 'pg'
import {
  ANSWER_LIMIT_MS,
  consume,
  type ConsumeOptions,
  CONSUMER_WINDOW_BYTES,
  LOADING_TRANSACTION_BYTES,
} from '../../consumers/consume.ts'
import type { ConsumeOutcome, ConsumerEvent } from '../../consumers/events.ts'
import { Failure } from '../../contracts/failure.ts'
import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import { type ByteWindow, createByteWindow } from '../../infra/byte-window.ts'
import { type NatsTarget, withNats } from '../../infra/nats/connect.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'
import * as ddl from '../../infra/service-database/ddl.ts'
import { STATE_DDL, STATE_VERSION } from '../../infra/service-database/state-ddl.ts'
import { withDatabase, withPrefix } from '../with-servers.ts'
import { HandWrittenLog } from './hand-written-log.ts'
import { sales, shop } from './shop.ts'

/** A service of a contract set with its log and its database. */
export interface TestService {
  readonly set: ContractSet
  readonly service: Service
  readonly prefix: string
  readonly log: HandWrittenLog
  readonly nats: NatsTarget
  readonly database: PostgresTarget
  readonly events: ConsumerEvent[]
  /** Called with every event in the very moment in which the consumer tells of it. */
  readonly listeners: Set<(event: ConsumerEvent) => void>
  /** Runs statements, and gives the last one's rows: each as its values' texts, joined by `|`. */
  readonly sql: (...statements: readonly string[]) => Promise<string[]>
  /** Runs the consumer until it is caught up. */
  readonly consume: (
    options?: Partial<ConsumeOptions>,
    set?: ContractSet,
    window?: ByteWindow,
  ) => Promise<ConsumeOutcome>
  /** The same, where the consumer reaches the database by another URL. */
  readonly consumeFrom: (url: string, options?: Partial<ConsumeOptions>) => Promise<ConsumeOutcome>
}

const DEFAULTS = {
  untilCaughtUp: true,
  loaders: 2,
  transactionBytes: LOADING_TRANSACTION_BYTES,
  maxWaitMs: 10_000,
  answerLimitMs: ANSWER_LIMIT_MS,
}

/** The service `sales`, prepared, with a log that is empty. */
export async function withSales<Result>(
  use: (service: TestService) => Promise<Result>,
  tables: 'created' | 'none' = 'created',
): Promise<Result> {
  return await withDatabase(async (url) => await withSalesIn(url, use, tables))
}

/** The same for a role that owns the database and is nothing more; `superuser` runs statements as one in it. */
export async function withSalesOfOwner<Result>(
  use: (service: TestService, superuser: TestService['sql']) => Promise<Result>,
  tables: 'created' | 'none' = 'created',
): Promise<Result> {
  return await withRole(async (role, password) =>
    withDatabase(async (superuserUrl) => {
      const superuser: TestService['sql'] = async (...statements) => await runSql(superuserUrl, statements)
      const [name] = await superuser('SELECT quote_ident(current_database())')
      await superuser(`ALTER DATABASE ${name} OWNER TO ${role}`)
      const url = new URL(superuserUrl)
      url.username = role
      url.password = password
      return await withSalesIn(url.toString(), async (service) => await use(service, superuser), tables)
    }),
  )
}

async function withRole<Result>(use: (role: string, password: string) => Promise<Result>): Promise<Result> {
  return await withDatabase(async (url) => {
    const role = `test_${randomBytes(6).toString('hex')}`
    await runSql(url, [`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`])
    try {
      return await use(role, role)
    } finally {
      await runSql(url, [`DROP ROLE ${role}`])
    }
  })
}

/** The same in an empty database of the caller's. */
export async function withSalesIn<Result>(
  url: string,
  use: (service: TestService) => Promise<Result>,
  tables: 'created' | 'none' = 'created',
): Promise<Result> {
  return await withPrefix(async (prefix, { url: natsUrl }) => await withSalesAt(url, natsUrl, prefix, use, tables))
}

/** The same with a broker of the caller's too. */
export async function withSalesAt<Result>(
  url: string,
  natsUrl: string,
  prefix: string,
  use: (service: TestService) => Promise<Result>,
  tables: 'created' | 'none' = 'created',
): Promise<Result> {
  const nats = { url: natsUrl, credentialsFile: null, caFile: null }
  return await withNats(nats, 'test', async (connection) => {
    const log = new HandWrittenLog(connection, prefix, sales.name)
    await log.create()
    const service = testService(prefix, log, nats, url)
    await prepareByHand(service, tables)
    return await use(service)
  })
}

function testService(prefix: string, log: HandWrittenLog, nats: NatsTarget, url: string): TestService {
  const database = { title: 'the database of service sales', variable: 'SALES_DATABASE_URL', url }
  const events: ConsumerEvent[] = []
  const listeners = new Set<(event: ConsumerEvent) => void>()
  const consumeAt = async (
    place: PostgresTarget,
    options: Partial<ConsumeOptions> = {},
    set = shop,
    window = createByteWindow(CONSUMER_WINDOW_BYTES),
  ): Promise<ConsumeOutcome> => {
    const [service = sales] = set.services
    return await consume(
      { set, service, prefix, database: place, nats, window },
      { ...DEFAULTS, signal: new AbortController().signal, ...options },
      (event) => {
        events.push(event)
        for (const listener of listeners) listener(event)
      },
    )
  }
  return {
    set: shop,
    service: sales,
    prefix,
    log,
    nats,
    database,
    events,
    listeners,
    sql: async (...statements) => await runSql(url, statements),
    consume: async (options, set, window) => await consumeAt(database, options, set, window),
    consumeFrom: async (ownUrl, options) => await consumeAt({ ...database, url: ownUrl }, options),
  }
}

/** What `prepare` does, without looking. */
async function prepareByHand({ prefix, sql }: TestService, tables: 'created' | 'none'): Promise<void> {
  const created = tables === 'created'
  await sql(
    ...STATE_DDL,
    `INSERT INTO scission.checkpoint (state_version, contract_set, service, prefix)
     VALUES (${STATE_VERSION}, 'shop', 'sales', '${prefix}')`,
    ...(created ? sales.entities.map(ddl.createTableSql) : []),
    ...sales.entities.map(({ name }) => `INSERT INTO scission.entity (entity, created) VALUES ('${name}', ${created})`),
  )
}

export async function runSql(url: string, statements: readonly string[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (value: unknown) => value } })
  await client.connect()
  try {
    let rows: unknown[][] = []
    for (const text of statements) rows = (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
    return rows.map((row) => row.join('|'))
  } finally {
    await client.end()
  }
}

/** The failure of an action that must fail with one sentence for an operator. */
export async function failureOf(action: Promise<unknown>): Promise<Failure> {
  const ended = await action.then(
    () => new Error('Nothing failed'),
    (error: unknown) => error,
  )
  if (ended instanceof Failure) return ended
  throw ended
}

/** What the consumers of a service told whoever watches them. */
export function noticesOf({ events }: TestService): string[] {
  return events.flatMap((event) => (event.type === 'notice' ? [event.text] : []))
}
