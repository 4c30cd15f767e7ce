import { type NatsConnection, NatsError } from 'nats'
import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet, Service } from '../contracts/language/contract-set.ts'
import { parseStreamSequence } from '../contracts/positions.ts'
import { streamName } from '../contracts/subjects.ts'
import { EPOCH_HEADER } from '../contracts/wire/headers.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { type NatsTarget, withNats } from '../infra/nats/connect.ts'
import { readLog } from '../infra/nats/read-log.ts'
import { type PostgresTarget, withSession } from '../infra/postgres/session.ts'
import { LogApplier } from './apply-log.ts'
import type { ConsumeOutcome, ConsumerEvent } from './events.ts'
import { takeLease } from './lease.ts'
import { openLoaders } from './loader-pool.ts'
import { PageLoading } from './page-loading.ts'
import {
  type Checkpoint,
  readCheckpoint,
  readEntityStates,
  readLedgerTotals,
  storeStreamSequence,
} from './service-state.ts'
import { createWatermark } from './watermark.ts'

export interface ConsumerDependencies {
  readonly set: ContractSet
  readonly service: Service
  readonly prefix: string
  readonly database: PostgresTarget
  readonly nats: NatsTarget
  /** Bounds the pages in memory, over all consumers of one process. */
  readonly window: ByteWindow
}

export interface ConsumeOptions {
  /** Ends when all that the log holds is applied, indexes and foreign keys included; otherwise it goes on for ever. */
  readonly untilCaughtUp: boolean
  /** Sessions that load this service's tables at the same time. */
  readonly loaders: number
  /** How long to wait for a snapshot that is not closed and does not grow. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

type Report = (event: ConsumerEvent) => void

/** The pages that a process may hold at once; a consumer's memory is flat because of it. */
export const CONSUMER_WINDOW_BYTES = 24 * 1024 * 1024

/** The hint is written so often: what a crash reads again is at most so much of the log, and the ledger skips it. */
const HINT_INTERVAL_MS = 1_000

const NO_STREAM = 10059

/** Applies one service's log to its database. */
export async function consume(
  dependencies: ConsumerDependencies,
  options: ConsumeOptions,
  report: Report,
): Promise<ConsumeOutcome> {
  const { database, nats, prefix, service, set } = dependencies
  const startedAt = Date.now()
  const loaded = { rows: 0, bytes: 0 }
  const counting: Report = (event) => {
    if (event.type === 'pages-loaded') {
      loaded.rows += event.rows
      loaded.bytes += event.bytes
    }
    report(event)
  }
  return await withSession(database, { purpose: `consume ${service.name}` }, async (leader) => {
    await takeLease(leader, service.name)
    const checkpoint = await readCheckpoint(leader, { contractSet: set.name, service: service.name, prefix })
    const epoch = await withNats(nats, `consume ${service.name}`, async (connection) => {
      await assertLogReaches(connection, dependencies, checkpoint)
      return await applyUntilDone({ connection, leader, checkpoint, dependencies, options, report: counting })
    })
    const ledger = await readLedgerTotals(leader, epoch)
    const rows = [...ledger.values()].reduce((sum, entity) => sum + entity.rows, 0)
    return {
      service: service.name,
      epoch,
      tables: service.entities.length,
      rows,
      loadedRows: loaded.rows,
      loadedBytes: loaded.bytes,
      seconds: (Date.now() - startedAt) / 1000,
    }
  })
}

interface Run {
  readonly connection: NatsConnection
  readonly leader: pg.Client
  readonly checkpoint: Checkpoint
  readonly dependencies: ConsumerDependencies
  readonly options: ConsumeOptions
  readonly report: Report
}

async function applyUntilDone(run: Run): Promise<number> {
  const { checkpoint, dependencies, leader, options, report } = run
  const { database, prefix, service, window } = dependencies
  const loaders = await openLoaders(database, service.name, options.loaders)
  try {
    const watermark = createWatermark(checkpoint.streamSequence)
    const loading = new PageLoading({ service, loaders, window, watermark, report })
    const stream = streamName(prefix, service.name)
    const applier = new LogApplier(
      { service, stream, leader, loaders, loading, report },
      checkpoint,
      await readEntityStates(leader),
    )
    report({ type: 'phase-entered', service: service.name, phase: checkpoint.phase })
    await applier.resume()
    await readAndApply(run, stream, applier, loading)
    await loading.drain()
    await storeStreamSequence(leader, watermark.current())
    return applier.epoch
  } finally {
    await loaders.end()
  }
}

async function readAndApply(run: Run, stream: string, applier: LogApplier, loading: PageLoading): Promise<void> {
  const { connection, leader, options } = run
  const progress = { sequence: run.checkpoint.streamSequence, at: Date.now(), hintAt: Date.now() }
  if (await isDone(run, stream, applier, progress.sequence)) return
  const from = parseStreamSequence(progress.sequence + 1)
  for await (const item of readLog(connection, stream, { from, signal: options.signal })) {
    options.signal.throwIfAborted()
    if (item.kind === 'message') {
      await applier.apply(item)
      progress.sequence = item.sequence
      progress.at = Date.now()
    } else {
      await loading.drain()
      assertProgress(run, progress.at)
    }
    if (Date.now() - progress.hintAt > HINT_INTERVAL_MS) {
      await storeStreamSequence(leader, loading.watermark.current())
      progress.hintAt = Date.now()
    }
    const mayBeDone = item.kind === 'idle' || item.subject.endsWith('.control.manifest')
    if (mayBeDone && (await isDone(run, stream, applier, progress.sequence))) return
  }
  options.signal.throwIfAborted()
}

async function isDone(
  { connection, options }: Run,
  stream: string,
  applier: LogApplier,
  applied: number,
): Promise<boolean> {
  if (!options.untilCaughtUp || applier.phase !== 'following') return false
  const manager = await connection.jetstreamManager()
  return applied >= (await manager.streams.info(stream)).state.last_seq
}

function assertProgress({ dependencies, options }: Run, progressAt: number): void {
  if (!options.untilCaughtUp || Date.now() - progressAt < options.maxWaitMs) return
  throw new Failure(
    5,
    `Service ${dependencies.service.name}: the log has no closed snapshot and has not grown for ${Math.round(options.maxWaitMs / 1000)} s: run publish, then consume again.`,
  )
}

/**
 * The stream's sequence in the checkpoint is a hint: the stream must reach it, and hold there what the checkpoint says.
 * @throws Failure 4 where the log is older than the service.
 */
async function assertLogReaches(
  connection: NatsConnection,
  { prefix, service }: ConsumerDependencies,
  checkpoint: Checkpoint,
): Promise<void> {
  const stream = streamName(prefix, service.name)
  const manager = await connection.jetstreamManager()
  const { state } = await manager.streams.info(stream).catch((cause: unknown) => {
    if (cause instanceof NatsError && cause.api_error?.err_code === NO_STREAM)
      throw new Failure(4, `There is no stream ${stream}: run prepare first.`, { cause })
    throw cause
  })
  if (checkpoint.streamSequence === 0) return
  const older = `Service ${service.name} has applied message ${checkpoint.streamSequence} of stream ${stream}`
  const way = 'the broker came back with an older store; begin a new epoch with publish --new-epoch.'
  if (state.last_seq < checkpoint.streamSequence)
    throw new Failure(4, `${older}, which ends at ${state.last_seq}: ${way}`)
  const { header } = await manager.streams.getMessage(stream, { seq: checkpoint.streamSequence })
  // A message of an earlier epoch is no contradiction: the hint may be older than the epoch.
  if (!(Number(header.get(EPOCH_HEADER)) <= checkpoint.epoch))
    throw new Failure(
      4,
      `${older} in epoch ${checkpoint.epoch}, which there is of epoch ${header.get(EPOCH_HEADER)}: ${way}`,
    )
}
