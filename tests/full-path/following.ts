import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import {
  ANSWER_LIMIT_MS,
  consume,
  type ConsumeOptions,
  CONSUMER_WINDOW_BYTES,
  LOADING_TRANSACTION_BYTES,
} from '../../consumers/consume.ts'
import type { ConsumeOutcome, ConsumerEvent } from '../../consumers/events.ts'
import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { createByteWindow } from '../../infra/byte-window.ts'
import type { NatsTarget } from '../../infra/nats/connect.ts'
import { writeMarker } from '../../infra/following/write-marker.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { prepare } from '../../infra/prepare/prepare.ts'
import type { VerifyReport } from '../../infra/verify/report.ts'
import { verify } from '../../infra/verify/verify.ts'
import type { PublisherEvent, PublishOutcome } from '../../publisher/events.ts'
import { PAGE_BYTES, type PublishOptions, publishSnapshot } from '../../publisher/publish-snapshot.ts'
import { type Split, type SplitManner, withSplit } from './split.ts'

/** A split that follows its monolith. */
export interface Following extends Split {
  /** What the publisher and the consumers told. */
  readonly published: PublisherEvent[]
  readonly consumed: ConsumerEvent[]
  /** Publishes and follows until a marker of this name. */
  follow(untilMarker: string, options?: Partial<PublishOptions>): Promise<PublishOutcome>
  /** Writes a marker behind all that was committed by now. */
  mark(name: string): Promise<void>
  /** Applies all that the log holds, in all services. */
  catchUp(): Promise<ConsumeOutcome[]>
  /** Writes a marker, follows until it, applies all of it, and compares. */
  settle(): Promise<ConsumeOutcome[]>
  /** Consumers of all services that follow until they are ended, by way of the broker or what stands before it. */
  withConsumers<Result>(use: () => Promise<Result>, nats?: NatsTarget): Promise<Result>
  verify(): Promise<VerifyReport>
  /** How many changes had to be applied one by one. */
  oneByOne(): number
}

/** A prepared split of a monolith that lives on; the monolith's database must be there. */
export async function withFollowing<Result>(
  set: ContractSet,
  monolithUrl: string,
  use: (following: Following) => Promise<Result>,
  manner: SplitManner = {},
): Promise<Result> {
  return await withSplit(
    set,
    monolithUrl,
    async (split) => {
      await prepare(split, { withSlot: true, dryRun: false })
      return await use(followingOf(split))
    },
    manner,
  )
}

function followingOf(split: Split): Following {
  const { set, prefix, monolith, nats } = split
  const [published, consumed]: [PublisherEvent[], ConsumerEvent[]] = [[], []]
  let markers = 0
  const follow: Following['follow'] = (untilMarker, options = {}) => {
    const publishing = publishSnapshot(
      { set, prefix, monolith, nats },
      { ...PUBLISH_OPTIONS, signal: NEVER(), follow: { untilMarker, brokerSyncMs: 0 }, ...options },
      (event) => published.push(event),
    )
    // A test that fails before it waits for it says why itself.
    publishing.catch(() => undefined)
    return publishing
  }
  const mark = async (name: string): Promise<void> =>
    void (await withSession(monolith, { purpose: 'test' }, async (client) => await writeMarker(client, prefix, name)))
  const catchUp = async (): Promise<ConsumeOutcome[]> => await catchUpAll(split, (event) => consumed.push(event))
  return {
    ...split,
    published,
    consumed,
    follow,
    mark,
    catchUp,
    settle: async () => {
      const name = `settled ${(markers += 1)}`
      // The slot must be there: what was written before it is nobody's.
      const following = follow(name)
      await Promise.race([following, untilFollowed(published)])
      await mark(name)
      await following
      const outcomes = await catchUp()
      await split.assertEqual()
      return outcomes
    },
    withConsumers: async (use, reached = nats) =>
      await withConsumers({ ...split, nats: reached }, (event) => consumed.push(event), use),
    verify: async () => await verify(split, { limit: 5 }, () => undefined),
    oneByOne: () => consumed.filter((event) => event.type === 'changes-applied' && event.oneByOne).length,
  }
}

const PUBLISH_OPTIONS = {
  withSlot: true,
  newEpoch: false,
  withoutKeeper: true,
  readers: 2,
  pageBytes: PAGE_BYTES,
  maxOutageMs: 20_000,
}
const NEVER = (): AbortSignal => new AbortController().signal

/** Returns when a publisher begins to follow. */
export async function untilFollowed(published: readonly PublisherEvent[]): Promise<void> {
  const before = published.filter(({ type }) => type === 'following-begun').length
  while (published.filter(({ type }) => type === 'following-begun').length === before) await sleep(10)
}

/** Returns when all services follow. */
export async function untilComplete({ consumed, services }: Following): Promise<void> {
  const isFollowing = (service: string): boolean =>
    consumed.some((event) => event.type === 'phase-entered' && event.service === service && event.phase === 'following')
  while (!services.every(({ service }) => isFollowing(service.name))) await sleep(10)
}

const CONSUME_OPTIONS = {
  loaders: 1,
  transactionBytes: LOADING_TRANSACTION_BYTES,
  maxWaitMs: 20_000,
  answerLimitMs: ANSWER_LIMIT_MS,
}

type Report = (event: ConsumerEvent) => void

function consumeAll(
  { set, prefix, nats, services }: Split,
  report: Report,
  ending: Pick<ConsumeOptions, 'signal' | 'untilCaughtUp'>,
): Promise<ConsumeOutcome>[] {
  const window = createByteWindow(CONSUMER_WINDOW_BYTES)
  return services.map(
    async ({ service, database }) =>
      await consume({ set, prefix, service, database, nats, window }, { ...CONSUME_OPTIONS, ...ending }, report),
  )
}

/** Where one fails the others are ended, and their leases free, before the test goes on. */
async function catchUpAll(split: Split, report: Report): Promise<ConsumeOutcome[]> {
  const failed = new AbortController()
  const running = consumeAll(split, report, { signal: failed.signal, untilCaughtUp: true })
  try {
    return await Promise.all(running)
  } finally {
    failed.abort()
    await Promise.allSettled(running)
  }
}

async function withConsumers<Result>(split: Split, report: Report, use: () => Promise<Result>): Promise<Result> {
  const abort = new AbortController()
  const running = consumeAll(split, report, { signal: abort.signal, untilCaughtUp: false })
  const failed = Promise.all(running).then(() => assert.unreachable('A consumer that follows ended by itself'))
  try {
    return (await Promise.race([use(), failed])) as Result // The other one never returns.
  } finally {
    abort.abort()
    await Promise.allSettled(running)
  }
}
