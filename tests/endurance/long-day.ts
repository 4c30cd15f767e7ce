import { readdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import set from '../../contracts/archimodeler/contract-set.ts'
import { Failure } from '../../contracts/failure.ts'
import { simulateApplication } from '../../infra/demo/application.ts'
import { compareByPsql } from '../kills/compare-by-psql.ts'
import { withPostgres, withWorld, type World } from '../chaos/world.ts'
import { withClient } from '../bench/servers.ts'
import { type Growth, growthOf, type Margin } from './flatness.ts'
import { type Follower, runVerb, startFollower } from './followers.ts'
import { readFigures } from './process-figures.ts'

export interface LongDayPlan {
  readonly hours: number
  /** What stands for an hour. */
  readonly hourMs: number
  readonly elements: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly told: (sentence: string) => void
}

/** What is held at the end of an hour, when all is applied and nobody writes. */
export type Held = Readonly<Record<(typeof HELD)[number], number>>

const HELD = [
  'publisherBytes',
  'publisherHandles',
  'consumerBytes',
  'consumerHandles',
  'brokerBytes',
  'brokerHandles',
  'postgresConnections',
  'brokerConnections',
  /** What the broker keeps for readers, those that a cut link left behind among them. */
  'brokerReaders',
  'walBytes',
  /** Not held flat: the log keeps all that ever happened. */
  'logBytes',
] as const

export interface LongDayOutcome {
  readonly seed: number
  readonly hours: number
  readonly seconds: number
  readonly transactions: number
  readonly restarts: number
  readonly cuts: number
  readonly held: Readonly<Record<string, Growth>>
  readonly growing: readonly string[]
  readonly logBytes: number
  readonly rows: number
  readonly lost: number
  readonly doubled: number
  readonly differing: readonly string[]
  readonly isWhole: boolean
}

const MEMORY: Margin = { part: 0.15, more: 16 * 1024 * 1024 }
/**
 * A broker holds the block that it writes last of each stream, of 8 MiB at the most, and its heap may be twice as large as
 * what is in it: so much it comes to hold in the course of a day, and not more.
 */
const BROKER_MEMORY: Margin = { part: 0.15, more: set.services.length * 2 * 8 * 1024 * 1024 }
const COUNTS: Margin = { part: 0.1, more: 3 }
/** A reader that a cut link left behind is forgotten by the broker after five minutes. */
const READERS: Margin = { part: 1, more: 30 }
/** The slot's position moves by its own rhythm. */
const WAL: Margin = { part: 1, more: 64 * 1024 * 1024 }

const MARGINS: Readonly<Record<string, Margin>> = {
  publisherBytes: MEMORY,
  publisherHandles: COUNTS,
  consumerBytes: MEMORY,
  consumerHandles: COUNTS,
  brokerBytes: BROKER_MEMORY,
  brokerHandles: COUNTS,
  postgresConnections: COUNTS,
  brokerConnections: COUNTS,
  brokerReaders: READERS,
  walBytes: WAL,
}

/** One service's consumer is started anew each hour; the others', and the publisher, live all day. */
const RESTARTED = 'chat'
const OTHERS = set.services.map(({ name }) => name).filter((name) => name !== RESTARTED)
const BURST = { sessions: 4, restMs: 5 }
const QUIET = { sessions: 1, restMs: 300 }
const BURST_PART = 0.35
const QUIET_PART = 0.3
const SETTLE = '3m'

/** Splits a monolith, and follows it for a day that is compressed: bursts, quiet, restarts, cut links, rest, each hour. */
export async function liveLongDay(plan: LongDayPlan): Promise<LongDayOutcome> {
  const { elements, seed } = plan
  return await withPostgres(async (postgres) =>
    withWorld(postgres, { elements, seed }, async (world) => {
      await runVerb(['prepare', '--yes'], world.straight, plan.signal)
      const publisher = startFollower(['publish'], world.publisher)
      const consumer = startFollower(['consume', ...OTHERS], world.consumers)
      const day: Day = { world, plan, publisher, consumer, work: { transactions: 0, refused: 0 }, looks: [] }
      try {
        return await Promise.race([liveHours(day), publisher.failed, consumer.failed])
      } finally {
        for (const each of [publisher, consumer]) each.kill()
      }
    }),
  )
}

interface Day {
  readonly world: World
  readonly plan: LongDayPlan
  readonly publisher: Follower
  readonly consumer: Follower
  readonly work: { transactions: number; refused: number }
  readonly looks: Held[]
}

async function liveHours(day: Day): Promise<LongDayOutcome> {
  const { plan, world } = day
  // It ends with the publisher's snapshot.
  await runVerb(['consume', RESTARTED, '--until-caught-up'], world.straight, plan.signal)
  for (const name of OTHERS) await untilReading(world, name, plan.signal)
  const began = Date.now()
  for (let hour = 0; hour < plan.hours; hour += 1) {
    await liveHour(day, hour)
    const held = await lookAt(day)
    day.looks.push(held)
    plan.told(`Hour ${hour + 1}: ${day.work.transactions} transactions; ${JSON.stringify(held)}`)
  }
  await runVerb(['consume', RESTARTED, '--until-caught-up'], world.straight, plan.signal)
  await runVerb(['verify'], world.straight, plan.signal)
  await Promise.all([day.consumer.interrupt(), day.publisher.interrupt()])
  return await outcomeOf(day, (Date.now() - began) / 1_000)
}

/** Returns when all of the hour's changes are applied. */
async function liveHour({ plan, work, world }: Day, hour: number): Promise<void> {
  const { hourMs, seed, signal } = plan
  const restarted = startFollower(['consume', RESTARTED], world.consumers)
  try {
    const endsAt = Date.now() + hourMs
    const write = async (load: typeof BURST, part: number): Promise<void> => {
      const ended = new AbortController()
      // Node may forget AbortSignal.timeout() where only AbortSignal.any() knows of it.
      const timer = setTimeout(() => ended.abort(), hourMs * part)
      const until = AbortSignal.any([signal, ended.signal])
      await simulateApplication(world.monolith, seed + hour, until, work, load).finally(() => clearTimeout(timer))
    }
    const written = write(BURST, BURST_PART).then(async () => await write(QUIET, QUIET_PART))
    written.catch(() => undefined)
    await Promise.race([untilReading(world, RESTARTED, signal), restarted.failed])
    for (const link of LINKS) {
      world.links[link].cut()
      await sleep((hourMs * BURST_PART) / LINKS.length, undefined, { signal })
    }
    await written
    await Promise.race([
      runVerb(['lag', '--max-lag', '0s', '--wait', SETTLE], world.straight, signal),
      restarted.failed,
    ])
    await restarted.interrupt()
    await sleep(Math.max(0, endsAt - Date.now()), undefined, { signal })
  } finally {
    restarted.kill()
  }
}

/** A consumer that was never let in, by its database and the broker, does not wait for a link that is cut. */
async function untilReading({ urlOf }: World, service: string, signal: AbortSignal): Promise<void> {
  const loaders = `SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'scission consume % loader 1 %'`
  while ((await numberOf(urlOf(service), loaders)) === 0) await sleep(100, undefined, { signal })
}

const LINKS = ['publisher-broker', 'consumers-broker', 'consumers-targets', 'publisher-monolith'] as const

async function lookAt({ consumer, publisher, world }: Day): Promise<Held> {
  const [publishing, consuming] = [readFigures(publisher.pid), readFigures(consumer.pid)]
  const broker = readFigures(world.nats.pid())
  const [here, there] = [
    await connectionsTo(world.postgres.monolith.url),
    await connectionsTo(world.postgres.targets.url),
  ]
  const { connections, readers } = await readBroker(world.nats.monitorUrl)
  return {
    publisherBytes: publishing.residentBytes,
    publisherHandles: publishing.handles,
    consumerBytes: consuming.residentBytes,
    consumerHandles: consuming.handles,
    brokerBytes: broker.residentBytes,
    brokerHandles: broker.handles,
    postgresConnections: here + there,
    brokerConnections: connections,
    brokerReaders: readers,
    walBytes: await retainedWal(world.monolith),
    logBytes: await bytesIn(world.nats.storeFolder),
  }
}

async function connectionsTo(url: string): Promise<number> {
  return await numberOf(url, `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'scission %'`)
}

async function retainedWal(url: string): Promise<number> {
  return await numberOf(url, `SELECT max(pg_current_wal_lsn() - restart_lsn) FROM pg_replication_slots`)
}

async function numberOf(url: string, sql: string): Promise<number> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return Number(rows[0]?.[0])
  })
}

/** Manual: docs.nats.io, "Monitoring", /varz and /jsz. */
async function readBroker(url: string): Promise<{ readonly connections: number; readonly readers: number }> {
  const ask = async (page: string): Promise<object> => Object(await (await fetch(new URL(page, url))).json())
  const [varz, jsz] = [await ask('/varz'), await ask('/jsz')]
  return { connections: Number(Reflect.get(varz, 'connections')), readers: Number(Reflect.get(jsz, 'consumers')) }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    // A file of the broker's may go in the meantime.
    .map(async ({ name, path }) => (await stat(`${path}/${name}`).catch(() => ({ size: 0 }))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function outcomeOf({ looks, plan, work, world }: Day, seconds: number): Promise<LongDayOutcome> {
  const held = Object.fromEntries(
    HELD.flatMap((name): [string, Growth][] => {
      const margin = MARGINS[name]
      return margin === undefined
        ? []
        : [
            [
              name,
              growthOf(
                looks.map((look) => look[name]),
                margin,
              ),
            ],
          ]
    }),
  )
  const growing = Object.entries(held).flatMap(([name, { isFlat }]) => (isFlat ? [] : [name]))
  const comparison = await compareByPsql(set, world.monolith, world.urlOf)
  const last = looks.at(-1)
  if (last === undefined) throw new Failure(1, 'A day has one hour at the least.')
  return {
    seed: plan.seed,
    hours: plan.hours,
    seconds: Math.round(seconds),
    transactions: work.transactions,
    restarts: plan.hours,
    cuts: plan.hours * LINKS.length,
    held,
    growing,
    logBytes: last.logBytes,
    ...comparison,
    isWhole: growing.length === 0 && comparison.differing.length === 0,
  }
}
