import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { parseStreamSequence } from '../../contracts/positions.ts'
import { streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { Control, ManifestControl, Message, Page } from '../../contracts/wire/message.ts'
import { PartAssembler } from '../../contracts/wire/parts.ts'
import { readCatalog } from '../../infra/catalog/read-catalog.ts'
import { connectNats, type NatsTarget } from '../../infra/nats/connect.ts'
import { readLog } from '../../infra/nats/read-log.ts'
import { streamConfiguration } from '../../infra/nats/stream-settings.ts'
import { readKeepers } from '../../infra/postgres/keeper-sessions.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { readMonolithRecord } from '../../infra/prepare/monolith-record.ts'
import { slotName } from '../../infra/prepare/names.ts'
import { planMonolith } from '../../infra/prepare/plan-monolith.ts'
import type { PublisherEvent, PublishOutcome } from '../../publisher/events.ts'
import { type PublisherDependencies, type PublishOptions, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { withDatabase, withNats, withPrefix } from '../with-servers.ts'
import { BANK, BANK_TABLES } from './bank.ts'

/** A monolith of a test's own, whose money is in two services' tables, prepared for a publisher. */
export interface Bank {
  readonly url: string
  readonly slot: string
  readonly client: Client
  readonly dependencies: PublisherDependencies
  publish(options?: Partial<PublishOptions>, watch?: (event: PublisherEvent) => void): Promise<PublishOutcome>
  /** What a service's stream holds. */
  read(service: string): Promise<Content>
  /** The publisher's sessions in the server, by what they are for. */
  sessions(): Promise<string[]>
  /** Another session, which ends with the bank. */
  session(): Promise<Client>
  /** Ends the sessions of the publisher whose name begins so. */
  terminate(purpose: string): Promise<number>
}

export interface Content {
  readonly controls: readonly Control[]
  readonly manifest: ManifestControl | undefined
  readonly pages: readonly Page[]
  /** The rows of an entity in its newest attempt of the newest epoch, as texts. */
  rows(entity: string): string[]
}

export interface BankOptions {
  /** Of `Account` and of `Purse`. */
  readonly rows?: number
  readonly noteBytes?: number
  readonly withSlot?: boolean
  /** The publisher reaches the broker by way of it. */
  readonly proxy?: TcpProxy
  /** Streams from which messages can be removed. */
  readonly removable?: boolean
  /** The superuser's URL of another server than the shared one. */
  readonly serverUrl?: string
}

export async function withBank<Result>(options: BankOptions, use: (bank: Bank) => Promise<Result>): Promise<Result> {
  return await withPrefix(async (prefix, shared) => {
    const nats: NatsTarget = { url: shared.url, credentialsFile: null, caFile: null }
    const inDatabase = async (url: string): Promise<Result> => await inBank(url, prefix, nats, options, use)
    return options.serverUrl === undefined
      ? await withDatabase(inDatabase)
      : await inOwnDatabase(options.serverUrl, prefix, inDatabase)
  })
}

async function inOwnDatabase<Result>(
  serverUrl: string,
  name: string,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  // A session for each moment: a test may end the server in between.
  await runOnServer(serverUrl, [`CREATE DATABASE ${name}`])
  try {
    return await use(Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href)
  } finally {
    await runOnServer(serverUrl, [
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${name}' AND NOT active`,
      `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`,
    ])
  }
}

async function runOnServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A bank whose publisher reaches the broker by way of a proxy. */
export async function withProxiedBank<Result>(
  options: BankOptions,
  use: (bank: Bank, proxy: TcpProxy) => Promise<Result>,
): Promise<Result> {
  return await withNats(
    async ({ url }) =>
      await withTcpProxy(
        Number(new URL(url).port),
        async (proxy) => await withBank({ ...options, proxy }, async (bank) => await use(bank, proxy)),
      ),
  )
}

async function inBank<Result>(
  url: string,
  prefix: string,
  nats: NatsTarget,
  options: BankOptions,
  use: (bank: Bank) => Promise<Result>,
): Promise<Result> {
  const clients: Client[] = []
  const session = async (): Promise<Client> => {
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    clients.push(client)
    return client
  }
  const monolith = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
  const proxied = options.proxy === undefined ? nats : { ...nats, url: urlByWayOf(nats.url, options.proxy) }
  const dependencies: PublisherDependencies = { set: BANK, prefix, monolith, nats: proxied }
  try {
    const client = await session()
    await fillTables(client, options)
    await makeStreams(nats, prefix, options.removable === true)
    if (options.withSlot !== false) await prepareMonolith(dependencies)
    const publish: Bank['publish'] = async (given, watch = () => undefined) =>
      await publishSnapshot(dependencies, { ...OPTIONS, ...given, signal: given?.signal ?? NEVER() }, watch)
    const read = async (service: string): Promise<Content> => await readContent(nats, prefix, service)
    return await use({
      url,
      slot: slotName(prefix),
      client,
      dependencies,
      publish,
      read,
      session,
      sessions: async () => await publisherSessions(client),
      terminate: async (purpose) => await terminate(client, purpose),
    })
  } finally {
    await Promise.all(clients.map(async (client) => await client.end()))
  }
}

const OPTIONS = {
  withSlot: true,
  newEpoch: false,
  readers: 2,
  pageBytes: 8_192,
  maxOutageMs: 20_000,
  withoutKeeper: true,
}
const NEVER = (): AbortSignal => new AbortController().signal

async function fillTables(client: Client, { rows = 100, noteBytes = 20 }: BankOptions): Promise<void> {
  for (const statement of BANK_TABLES) await client.query(statement)
  for (const table of ['Account', 'Purse'])
    await client.query(
      `INSERT INTO "${table}" SELECT n::text, 100, repeat(md5(n::text), $2::int / 32 + 1) FROM generate_series(1, $1::int) AS n`,
      [rows, noteBytes],
    )
  await client.query('ANALYZE')
}

async function makeStreams(nats: NatsTarget, prefix: string, removable: boolean): Promise<void> {
  const connection = await connectNats(nats, 'test')
  try {
    const manager = await connection.jetstreamManager()
    const lax = removable ? { deny_delete: false, deny_purge: false } : {}
    for (const { name } of BANK.services) await manager.streams.add({ ...streamConfiguration(prefix, name, 1), ...lax })
  } finally {
    await connection.close()
  }
}

/** What `prepare` does in the monolith, without the databases of services. */
export async function prepareMonolith({ monolith, prefix, set }: PublisherDependencies): Promise<void> {
  await withSession(monolith, { purpose: 'prepare' }, async (client) => {
    const entities = set.services.flatMap((service) => service.entities)
    const catalog = await readCatalog(client, entities, { rows: false })
    for (const step of planMonolith({ set, prefix }, catalog, await readMonolithRecord(client, prefix)))
      for (const statement of step.statements) await client.query(statement)
  })
}

async function publisherSessions(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT substring(application_name FROM '^scission (publish.*) \\(') AS name FROM pg_stat_activity
      WHERE application_name LIKE 'scission publish%' AND datname = current_database() ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** The processes in the server that hold a snapshot for the bank's publishers. */
export async function keepersOf({ client, dependencies }: Bank): Promise<string[]> {
  return await readKeepers(client, dependencies.prefix)
}

async function terminate(client: Client, purpose: string): Promise<number> {
  const { rowCount } = await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'scission ' || $1 || '%' AND datname = current_database()`,
    [purpose],
  )
  return rowCount ?? 0
}

/** @throws Error where a session of the publisher is left after a moment. */
export async function assertNoSessions(bank: Bank, limitMs = 2_500): Promise<void> {
  const deadline = Date.now() + limitMs
  for (let left = await bank.sessions(); left.length > 0; left = await bank.sessions()) {
    if (Date.now() > deadline) throw new Error(`These sessions are left in the monolith: ${left.join(', ')}`)
    await sleep(50)
  }
}

/** A watcher of a publication, and when it has seen an event of this kind for the first time. */
export function watchFor(type: PublisherEvent['type']): {
  readonly watch: (event: PublisherEvent) => void
  readonly seen: Promise<void>
  readonly notices: string[]
} {
  const notices: string[] = []
  let see: () => void = () => undefined
  const seen = new Promise<void>((resolve) => (see = resolve))
  return {
    watch: (event) => {
      if (event.type === type) see()
      if (event.type === 'notice') notices.push(event.text)
    },
    seen,
    notices,
  }
}

/** Waits until a condition of the monolith holds. */
export async function untilTrue(client: Client, condition: string, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const { rows } = await client.query<{ holds: boolean }>(`SELECT (${condition}) AS holds`)
    if (rows[0]?.holds === true) return
    if (Date.now() > deadline) throw new Error(`It does not come true: ${condition}`)
    await sleep(30)
  }
}

async function readContent(nats: NatsTarget, prefix: string, service: string): Promise<Content> {
  const connection = await connectNats(nats, 'test')
  try {
    const stream = streamName(prefix, service)
    const { last_seq: last } = (await (await connection.jetstreamManager()).streams.info(stream)).state
    const messages: Message[] = []
    const parts = new PartAssembler()
    if (last > 0)
      for await (const item of readLog(connection, stream, { from: parseStreamSequence(1) })) {
        if (item.kind === 'idle') continue
        const message = decodeMessage(item.payload)
        const whole = message.kind === 'part' ? parts.accept(item.sequence, message) : null
        if (whole !== null) messages.push(decodeMessage(whole))
        else if (message.kind !== 'part') messages.push(message)
        if (item.sequence === last) break
      }
    return contentOf(messages)
  } finally {
    await connection.close()
  }
}

function contentOf(messages: readonly Message[]): Content {
  const controls = messages.filter((message): message is Control => message.kind === 'control')
  const pages = messages.filter((message): message is Page => message.kind === 'page')
  const manifests = controls.filter((control): control is ManifestControl => control.control === 'manifest')
  return {
    controls,
    pages,
    manifest: manifests.at(-1),
    rows: (entity) => {
      const own = pages.filter((page) => page.entity === entity)
      const epoch = Math.max(...own.map((page) => page.epoch))
      const newest = own.filter((page) => page.epoch === epoch)
      const attempt = Math.max(...newest.map((page) => page.attempt))
      return newest
        .filter((page) => page.attempt === attempt)
        .flatMap(({ rows }) =>
          rows.map((row) => row.map((value) => (typeof value === 'object' ? '' : String(value))).join('|')),
        )
    },
  }
}
