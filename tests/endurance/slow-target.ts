import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { JetStreamManager } from 'nats'
import { createServiceLagReader, type MonolithClock, type ServiceLag } from '../../consumers/lag/service-lag.ts'
import { Failure } from '../../contracts/failure.ts'
import { type EmbeddedNats } from '../../infra/embedded/nats-server.ts'
import { withEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { withSession } from '../../infra/postgres/session.ts'
import set from '../bench/entries-contract.ts'
import { assertEqualContent, type Entries, entriesEnvironment, makeEntries } from '../bench/entries.ts'
import { natsProcess } from '../bench/server-processes.ts'
import { withClient, withFreshNats } from '../bench/servers.ts'
import { type Growth, growthOf, type Margin } from './flatness.ts'
import { type Follower, runVerb, startFollower } from './followers.ts'
import { readFigures } from './process-figures.ts'
import { LEDGER, STREAM, writeWaitingMessages } from './waiting-messages.ts'

export interface SlowTargetPlan {
  readonly messages: number
  readonly rowsPerSecond: number
  /** How long the target is slow. */
  readonly slowMs: number
  readonly lookMs: number
  readonly signal: AbortSignal
  readonly told: (sentence: string) => void
}

/** One look at all of it. */
interface Look {
  readonly atSeconds: number
  readonly consumerBytes: number
  readonly consumerHandles: number
  readonly brokerBytes: number
  /** Sent to the consumer by the broker, and not applied. */
  readonly pulledBytes: number
  /** What `lag` takes to answer: the whole command, and without its start. */
  readonly commandMs: number
  readonly answerMs: number
  /** As `lag` says, and as the target's rows say. */
  readonly saidWaiting: number
  readonly leastWaiting: number
  readonly mostWaiting: number
  readonly isConsumed: boolean
}

export interface SlowTargetOutcome {
  readonly messages: number
  readonly slowSeconds: number
  readonly looks: number
  /** Rows that the target took while it was slow. */
  readonly takenSlowly: number
  /** In which no new row of it was to be seen. */
  readonly longestStandSeconds: number
  readonly consumer: Growth
  readonly handles: Growth
  readonly broker: Growth
  readonly mostPulledBytes: number
  readonly longestCommandMs: number
  readonly longestAnswerMs: number
  /** By how many messages `lag` was beside the truth at the most: what a batch has applied and not committed is not applied. */
  readonly mostBeside: number
  readonly isAlwaysConsumed: boolean
  /** From the brake's end until all was applied. */
  readonly catchUpSeconds: number
  readonly isWhole: boolean
}

/** Only what waits in the log is looked at. */
const CLOCK: MonolithClock = { toLog: { seconds: 0, bound: 'exact' }, now: () => Date.now() }
const SNAPSHOT_ROWS = 1_000
const CATCH_UP_LIMIT_MS = 30 * 60_000
const MEMORY: Margin = { part: 0.15, more: 8 * 1024 * 1024 }
const HANDLES: Margin = { part: 0, more: 3 }

/** What the broker may send ahead, as `fetch-in-order.ts` asks for it, and what may gather, with the bytes of headers. */
const MOST_PULLED_BYTES = 16 * 1024 * 1024

/** A batch takes five seconds, and a look may come late. */
const LONGEST_STAND_SECONDS = 40

const BRAKE = [
  'CREATE TABLE brake (seconds float8 NOT NULL)',
  `CREATE FUNCTION braked() RETURNS boolean LANGUAGE plpgsql AS
     'BEGIN PERFORM pg_catalog.pg_sleep(seconds) FROM public.brake; RETURN true; END'`,
  'ALTER TABLE "Entry" ADD CONSTRAINT braked CHECK (public.braked()) NOT VALID',
]

/** A service with a log of waiting messages, whose database takes a few rows a second for a while, and then as many as it can. */
export async function holdSlowTarget(plan: SlowTargetPlan): Promise<SlowTargetOutcome> {
  return await withEmbeddedPostgres({ fsync: false }, async (postgres) =>
    // It syncs now and then: that each of a million small messages is synced would take longer than all the rest.
    withFreshNats(false, async (nats) => {
      const entries = await makeEntries(postgres, SNAPSHOT_ROWS)
      const contracts = fileURLToPath(new URL('../bench/entries-contract.ts', import.meta.url))
      const environment = { ...entriesEnvironment(entries, nats), SCISSION_CONTRACTS: contracts }
      for (const verb of [
        ['prepare', '--yes'],
        ['publish', '--snapshot-only'],
        ['consume', LEDGER, '--until-caught-up'],
      ])
        await runVerb(verb, environment, plan.signal)
      const { messages: count, rowsPerSecond, signal, told } = plan
      told(`Writing ${count} messages …`)
      await writeWaitingMessages(nats.url, entries, { from: SNAPSHOT_ROWS + 1, count, signal })
      await withClient(entries.service, async (client) => {
        for (const statement of BRAKE) await client.query(statement)
        await client.query('INSERT INTO brake VALUES ($1)', [1 / rowsPerSecond])
      })
      const follower = startFollower(['consume', LEDGER], environment)
      try {
        return await Promise.race([watch({ nats, entries, environment, follower, plan }), follower.failed])
      } finally {
        follower.kill()
      }
    }),
  )
}

interface Watched {
  readonly nats: EmbeddedNats
  readonly entries: Entries
  readonly environment: Readonly<Record<string, string>>
  readonly follower: Follower
  readonly plan: SlowTargetPlan
}

async function watch(watched: Watched): Promise<SlowTargetOutcome> {
  const { entries, follower, nats, plan } = watched
  return await withNats({ url: nats.url, credentialsFile: null, caFile: null }, 'endurance', async (connection) => {
    const manager = await connection.jetstreamManager()
    const readLag = lagReaderOf(manager, entries)
    const looks: Look[] = []
    while (!(await readLag()).isConsumed) await sleep(100, undefined, { signal: plan.signal })
    const began = Date.now()
    while (Date.now() - began < plan.slowMs) {
      await sleep(plan.lookMs, undefined, { signal: plan.signal })
      const look = await lookAt(watched, manager, readLag)
      looks.push(look)
      plan.told(JSON.stringify(look))
    }
    const slowSeconds = (Date.now() - began) / 1_000
    const takenSlowly = (await countRows(entries)) - SNAPSHOT_ROWS
    const releasedAt = Date.now()
    await withClient(entries.service, async (client) => await client.query('UPDATE brake SET seconds = 0'))
    await untilCaughtUp(readLag, plan.signal)
    const catchUpSeconds = (Date.now() - releasedAt) / 1_000
    await follower.interrupt()
    await assertEqualContent(entries)
    return outcomeOf(plan, looks, { slowSeconds, takenSlowly, catchUpSeconds })
  })
}

type ReadLag = () => Promise<ServiceLag>

function lagReaderOf(manager: JetStreamManager, { service }: Entries): ReadLag {
  const database = { title: `the database of service ${LEDGER}`, variable: 'LEDGER_DATABASE_URL', url: service }
  const place = { prefix: set.name, service: LEDGER, entities: [], database, use: withSession }
  const read = createServiceLagReader({ ...place, manager: async () => await Promise.resolve(manager) })
  return async () => await read(CLOCK, async () => await Promise.resolve(null))
}

async function lookAt(
  { entries, environment, follower, nats, plan }: Watched,
  manager: JetStreamManager,
  readLag: ReadLag,
): Promise<Look> {
  const waiting = async (): Promise<number> => plan.messages + SNAPSHOT_ROWS - (await countRows(entries))
  const mostWaiting = await waiting()
  const askedAt = performance.now()
  const { isConsumed, messages, streamSequence } = await readLag()
  const answeredAt = performance.now()
  const leastWaiting = await waiting()
  const pulledBytes = await bytesPulled(manager, streamSequence)
  const commandAt = performance.now()
  await runVerb(['lag', LEDGER, '--json'], environment, plan.signal)
  const broker = readFigures(natsProcess(nats) ?? 0)
  const consumer = readFigures(follower.pid)
  return {
    atSeconds: performance.now() / 1_000,
    consumerBytes: consumer.residentBytes,
    consumerHandles: consumer.handles,
    brokerBytes: broker.residentBytes,
    pulledBytes,
    commandMs: Math.round(performance.now() - commandAt),
    answerMs: Math.round(answeredAt - askedAt),
    saidWaiting: messages,
    leastWaiting,
    mostWaiting,
    isConsumed,
  }
}

/** The stream's mean message stands for each. */
async function bytesPulled(manager: JetStreamManager, applied: number): Promise<number> {
  const { state } = await manager.streams.info(STREAM)
  const delivered = (await manager.consumers.list(STREAM).next()).map((consumer) => consumer.delivered.stream_seq)
  return Math.round((Math.max(0, ...delivered, applied) - applied) * (state.bytes / state.messages))
}

async function countRows({ service }: Entries): Promise<number> {
  return await withClient(service, async (client) => {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM "Entry"')
    return Number(rows[0]?.count)
  })
}

async function untilCaughtUp(readLag: ReadLag, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + CATCH_UP_LIMIT_MS
  while ((await readLag()).messages > 0) {
    if (Date.now() > deadline)
      throw new Failure(1, `The service has not caught up in ${CATCH_UP_LIMIT_MS / 60_000} min.`)
    await sleep(200, undefined, { signal })
  }
}

function outcomeOf(
  { messages }: SlowTargetPlan,
  looks: readonly Look[],
  times: Pick<SlowTargetOutcome, 'slowSeconds' | 'takenSlowly' | 'catchUpSeconds'>,
): SlowTargetOutcome {
  const most = (of: (look: Look) => number): number => Math.max(...looks.map(of))
  const growths = {
    consumer: growthOf(
      looks.map(({ consumerBytes }) => consumerBytes),
      MEMORY,
    ),
    handles: growthOf(
      looks.map(({ consumerHandles }) => consumerHandles),
      HANDLES,
    ),
    broker: growthOf(
      looks.map(({ brokerBytes }) => brokerBytes),
      MEMORY,
    ),
  }
  const mostPulledBytes = most(({ pulledBytes }) => pulledBytes)
  const isAlwaysConsumed = looks.every(({ isConsumed }) => isConsumed)
  // Less than the truth would be a lie; more is what was committed since the hint was written.
  const mostBeside = most(({ leastWaiting, mostWaiting, saidWaiting }) =>
    saidWaiting < leastWaiting ? Number.POSITIVE_INFINITY : Math.max(0, saidWaiting - mostWaiting),
  )
  const longestStandSeconds = longestStand(looks)
  const isFlat = Object.values(growths).every((growth) => growth.isFlat)
  return {
    messages,
    ...times,
    looks: looks.length,
    longestStandSeconds,
    ...growths,
    mostPulledBytes,
    longestCommandMs: most(({ commandMs }) => commandMs),
    longestAnswerMs: most(({ answerMs }) => answerMs),
    mostBeside,
    isAlwaysConsumed,
    isWhole:
      isFlat &&
      isAlwaysConsumed &&
      mostPulledBytes <= MOST_PULLED_BYTES &&
      Number.isFinite(mostBeside) &&
      longestStandSeconds <= LONGEST_STAND_SECONDS,
  }
}

function longestStand(looks: readonly Look[]): number {
  let [since, longest, waiting] = [looks[0]?.atSeconds ?? 0, 0, Number.POSITIVE_INFINITY]
  for (const { atSeconds, leastWaiting } of looks) {
    if (leastWaiting < waiting) since = atSeconds
    waiting = leastWaiting
    longest = Math.max(longest, atSeconds - since)
  }
  return Math.round(longest)
}
