import { Failure } from '../contracts/failure.ts'
import type { ContractSet } from '../contracts/language/contract-set.ts'
import type { NatsTarget } from '../infra/nats/connect.ts'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { TableRewritten } from './assert-same-table.ts'
import type { PublisherEvent, PublishOutcome } from './events.ts'
import { isMonolithLoss, MonolithPatience } from './monolith-patience.ts'
import { publishOnce } from './publish-once.ts'
import { NO_FORMER, type PublisherConnection, withConnection, withRun } from './run.ts'
import type { ReadPace } from './read-pace.ts'
import { LogWentBack } from './stream-tail.ts'

export interface PublisherDependencies {
  readonly set: ContractSet
  readonly prefix: string
  readonly monolith: PostgresTarget
  readonly nats: NatsTarget
}

export interface PublishOptions {
  /** Without a slot, writers must be stopped before and stay so: nothing will deliver what they write. */
  readonly withSlot: boolean
  readonly newEpoch: boolean
  /** Sessions that read the monolith at the same time. */
  readonly readers: number
  /** Bounds what all readers together read of the monolith in a second. */
  readonly pace?: ReadPace
  /** The size of a chunk of a table; 64 MiB unless given. */
  readonly chunkBytes?: number
  readonly pageBytes: number
  readonly maxOutageMs: number
  readonly signal: AbortSignal
  /** Goes on with the changes after the snapshot; without it the run ends with the snapshot. Needs a slot. */
  readonly follow?: FollowWish
  /** For tests to which the snapshot is means and not end: a process more is half a second more. */
  readonly withoutKeeper?: boolean
  /** Tests shorten what an operator waits for. */
  readonly timing?: PublishTiming
}

export interface FollowWish {
  /** The marker with which the run ends by itself; null where it goes on for ever. */
  readonly untilMarker: string | null
  /** How long an acknowledged message may be in the broker's memory alone; 0 where it syncs each. */
  readonly brokerSyncMs: number
}

export interface PublishTiming {
  readonly keeperLeaveMs?: number
  readonly silenceMs?: number
}

export type Report = (event: PublisherEvent) => void

/** The size of a page: from 64 KiB to 512 KiB the broker stores at its best rate, and a consumer's transaction stays small. */
export const PAGE_BYTES = 512 * 1024

/** What proves that an outage is over. */
const PROGRESS: ReadonlySet<PublisherEvent['type']> = new Set([
  'page-stored',
  'entity-completed',
  'following-begun',
  'changes-stored',
])

/** Whoever rewrites a table again and again while it is read must be stopped by somebody who knows why. */
const MAX_REWRITES = 5

/**
 * Publishes a consistent snapshot of the monolith into the log and closes it with a manifest in each stream. What an
 * outage of the monolith, or a table that was rewritten, makes void is done again, from what the log holds then.
 */
export async function publishSnapshot(
  dependencies: PublisherDependencies,
  options: PublishOptions,
  report: Report,
): Promise<PublishOutcome> {
  const startedAt = Date.now()
  const outcome = await withConnection(dependencies, options, report, publishUntilClosed)
  return { ...outcome, seconds: (Date.now() - startedAt) / 1000 }
}

async function publishUntilClosed(outside: PublisherConnection): Promise<Omit<PublishOutcome, 'seconds'>> {
  const { dependencies, notice, options } = outside
  const patience = new MonolithPatience(dependencies.monolith, options, notice)
  let former = NO_FORMER
  const rewrites = new Map<string, number>()
  const report: Report = (event) => {
    if (PROGRESS.has(event.type)) patience.progressed()
    // The tables were read to their end: whoever rewrites one later does not hinder the reading.
    if (event.type === 'manifest-closed') rewrites.clear()
    if (event.type === 'epoch-begun') former = { ...former, epoch: event.epoch }
    outside.report(event)
  }
  for (;;) {
    try {
      return await withRun({ ...outside, report, former }, async (run) => {
        patience.connected()
        former = { ...former, pid: run.pid }
        return await publishOnce(run)
      })
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof TableRewritten) {
        const times = (rewrites.get(error.table) ?? 0) + 1
        rewrites.set(error.table, times)
        if (times > MAX_REWRITES) throw oftenRewritten(error)
        notice(`Table ${error.table} was rewritten: it is read again, under a new snapshot.`)
      } else if (error instanceof LogWentBack && options.follow !== undefined) {
        notice(
          `${error.message.split(':')[0]}: the broker came back with an older store; going on from what it has.`,
          'fault',
        )
      } else if (patience.wasConnected && isMonolithLoss(error)) await patience.waitOut(error)
      else throw error
    }
  }
}

function oftenRewritten({ table }: TableRewritten): Failure {
  return new Failure(
    4,
    `Table ${table} was rewritten ${MAX_REWRITES + 1} times while it was read (ALTER TABLE, VACUUM FULL, CLUSTER or TRUNCATE): let that end, then run publish again.`,
  )
}
