import type { NatsConnection } from 'nats'
import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet, Service } from '../contracts/language/contract-set.ts'
import type { StreamSequence } from '../contracts/positions.ts'
import { streamName } from '../contracts/subjects.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { type NatsTarget, withNats } from '../infra/nats/connect.ts'
import { createWaitOut, type WaitOut } from '../infra/nats/outage.ts'
import { readLog } from '../infra/nats/read-log.ts'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { LogApplier } from './apply-log.ts'
import { openConsumerSession } from './consumer-session.ts'
import { operatorFailure } from './driver-failure.ts'
import type { ConsumeOutcome, ConsumerEvent } from './events.ts'
import { type Beginning, findBeginning } from './find-beginning.ts'
import { LedgerConflict } from './ledger.ts'
import { assertNoLoaders, takeLease } from './lease.ts'
import { type LoaderPool, openLoaders } from './loader-pool.ts'
import { PageLoading } from './page-loading.ts'
import { type Checkpoint, readCheckpoint, readLedgerTotals, readShapes, storeStreamSequence } from './service-state.ts'
import { KnownShapes } from './shapes.ts'
import { createWatermark, type Watermark } from './watermark.ts'

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
  /** What a loader copies before it commits; a crash repeats as much. */
  readonly transactionBytes: number
  /** How long to wait for a snapshot that is not closed and does not grow. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

type Report = (event: ConsumerEvent) => void

/** The pages that a process may hold at once; a consumer's memory is flat because of it. */
export const CONSUMER_WINDOW_BYTES = 24 * 1024 * 1024

/**
 * COPY reuses a ring of buffers, and each COPY begins with a cold one: small ones cost PostgreSQL half as much again.
 * Nothing of this is held in memory.
 */
export const LOADING_TRANSACTION_BYTES = 64 * 1024 * 1024

/** Whoever else loads pages has ended soon, or is a defect. */
const MAX_CONFLICTS = 3

/** The hint is written so often: what a crash reads again is at most so much of the log, and the ledger skips it. */
const HINT_INTERVAL_MS = 1_000

/**
 * Applies one service's log to its database.
 * @throws Failure whatever a server or the log does; the signal's reason where it was aborted.
 */
export async function consume(
  dependencies: ConsumerDependencies,
  options: ConsumeOptions,
  report: Report,
): Promise<ConsumeOutcome> {
  for (let conflicts = 1; ; conflicts++) {
    try {
      return await consumeOnce(dependencies, options, report)
    } catch (error) {
      if (!(error instanceof LedgerConflict)) throw error
      if (conflicts > MAX_CONFLICTS) throw conflictFailure(dependencies, error)
      const text = 'Pages came in by another way while they were loaded: reading again from what is stored.'
      report({ type: 'notice', service: dependencies.service.name, text })
    }
  }
}

function conflictFailure({ database, service }: ConsumerDependencies, cause: LedgerConflict): Failure {
  return new Failure(
    4,
    `Service ${service.name}: pages come into ${database.title} by another way again and again: find out who else writes to scission.ledger, then run consume again.`,
    { cause },
  )
}

async function consumeOnce(
  dependencies: ConsumerDependencies,
  options: ConsumeOptions,
  report: Report,
): Promise<ConsumeOutcome> {
  const broken = new AbortController()
  const signal = AbortSignal.any([options.signal, broken.signal])
  try {
    options.signal.throwIfAborted()
    return await consumeAsLeader({
      dependencies,
      options: { ...options, signal },
      report,
      fail: (error) => broken.abort(error),
    })
  } catch (error) {
    options.signal.throwIfAborted()
    const first: unknown = broken.signal.aborted ? broken.signal.reason : error
    throw operatorFailure(first, { nats: dependencies.nats, database: dependencies.database.title })
  }
}

interface Run {
  readonly dependencies: ConsumerDependencies
  /** The signal is aborted too when a session breaks or a loader fails, with that as its reason. */
  readonly options: ConsumeOptions
  readonly report: Report
  readonly fail: (error: Error) => void
}

async function consumeAsLeader(run: Run): Promise<ConsumeOutcome> {
  const { dependencies, options } = run
  const { database, nats, service } = dependencies
  const startedAt = Date.now()
  const { report, loaded } = countLoaded(run.report)
  const life = { signal: options.signal, lost: run.fail }
  const { client: leader, end } = await openConsumerSession(database, `consume ${service.name}`, life)
  try {
    await takeLease(leader, service.name)
    const checkpoint = await readCheckpoint(leader, dependencies)
    const epoch = await withNats(
      nats,
      `consume ${service.name}`,
      async (connection) => await applyLog(connected({ ...run, report }, connection, leader), checkpoint),
    )
    const ledger = await readLedgerTotals(leader, epoch)
    return {
      service: service.name,
      epoch,
      tables: service.entities.length,
      rows: [...ledger.values()].reduce((sum, { rows }) => sum + rows, 0),
      loadedRows: loaded.rows,
      loadedBytes: loaded.bytes,
      seconds: (Date.now() - startedAt) / 1000,
    }
  } finally {
    await end()
  }
}

function countLoaded(report: Report): { readonly report: Report; readonly loaded: { rows: number; bytes: number } } {
  const loaded = { rows: 0, bytes: 0 }
  const counting: Report = (event) => {
    if (event.type === 'pages-loaded') {
      loaded.rows += event.rows
      loaded.bytes += event.bytes
    }
    report(event)
  }
  return { report: counting, loaded }
}

interface ConnectedRun extends Run {
  readonly connection: NatsConnection
  readonly leader: pg.Client
  /** Asks the broker, and waits while it is away. */
  readonly ask: WaitOut
  readonly notice: (text: string) => void
}

function connected(run: Run, connection: NatsConnection, leader: pg.Client): ConnectedRun {
  const { maxWaitMs, signal } = run.options
  const notice = (text: string): void => run.report({ type: 'notice', service: run.dependencies.service.name, text })
  const ask = createWaitOut(connection, { maxOutageMs: maxWaitMs, notice, signal })
  return { ...run, connection, leader, ask, notice }
}

async function applyLog(run: ConnectedRun, checkpoint: Checkpoint): Promise<number> {
  const { ask, dependencies, fail, leader, options } = run
  const { database, prefix, service } = dependencies
  const beginning = await findBeginning({ ask, prefix, service: service.name }, checkpoint)
  await assertNoLoaders(leader, service.name)
  const life = { signal: options.signal, lost: fail }
  const loaders = await openLoaders(database, service.name, options.loaders, life)
  try {
    const start = { sequence: beginning.from - 1, writer: checkpoint.writer }
    const reading = await beginReading(run, loaders, createWatermark(start), { checkpoint, beginning })
    return await applyFrom(run, reading, beginning.from)
  } finally {
    await loaders.end()
  }
}

async function applyFrom(run: ConnectedRun, reading: Reading, from: StreamSequence): Promise<number> {
  const { applier, loading, watermark } = reading
  try {
    await applier.resume()
    await readAndApply(run, reading, from)
    await loading.drain()
    await storeHint(run, watermark)
    return applier.epoch
  } finally {
    loading.abandon()
  }
}

interface Reading {
  readonly stream: string
  readonly applier: LogApplier
  readonly loading: PageLoading
  readonly watermark: Watermark
}

async function beginReading(
  { dependencies, leader, options, report }: ConnectedRun,
  loaders: LoaderPool,
  watermark: Watermark,
  { checkpoint, beginning }: { readonly checkpoint: Checkpoint; readonly beginning: Beginning },
): Promise<Reading> {
  const { database, prefix, service, set, window } = dependencies
  const shapes = new KnownShapes(service.name, service.entities, await readShapes(leader))
  const { signal, transactionBytes } = options
  const applied = watermark.applied
  const loading = new PageLoading({
    service,
    leader,
    loaders,
    transactionBytes,
    shapes,
    window,
    signal,
    report,
    applied,
  })
  const stream = streamName(prefix, service.name)
  const applier = new LogApplier(
    { set, service, database, stream, leader, loaders, loading, shapes, watermark, report },
    checkpoint,
    beginning,
  )
  return { stream, applier, loading, watermark }
}

async function readAndApply(run: ConnectedRun, reading: Reading, from: StreamSequence): Promise<void> {
  const { connection, notice, options } = run
  const { applier, loading, stream, watermark } = reading
  const { maxWaitMs: maxOutageMs, signal } = options
  const progress = { sequence: from - 1, at: Date.now(), hintAt: Date.now() }
  if (await isDone(run, reading, progress.sequence)) return
  for await (const item of readLog(connection, stream, { from, signal, maxOutageMs, notice })) {
    signal.throwIfAborted()
    if (item.kind === 'message') {
      await applier.apply(item)
      progress.sequence = item.sequence
      progress.at = Date.now()
    } else await loading.drain()
    if (item.kind === 'idle' || Date.now() - progress.hintAt > HINT_INTERVAL_MS) {
      await storeHint(run, watermark)
      progress.hintAt = Date.now()
    }
    if (item.kind === 'idle') assertProgress(run, progress.at)
    const mayBeDone = item.kind === 'idle' || item.subject.endsWith('.control.manifest')
    if (mayBeDone && (await isDone(run, reading, progress.sequence))) return
  }
  signal.throwIfAborted()
}

async function storeHint({ leader }: ConnectedRun, watermark: Watermark): Promise<void> {
  const { sequence, writer } = watermark.current()
  await storeStreamSequence(leader, sequence, writer)
}

async function isDone({ ask, options }: ConnectedRun, { applier, stream }: Reading, applied: number): Promise<boolean> {
  if (!options.untilCaughtUp || applier.phase !== 'following') return false
  return applied >= (await ask(async (manager) => (await manager.streams.info(stream)).state.last_seq))
}

function assertProgress({ dependencies, options }: Run, progressAt: number): void {
  if (!options.untilCaughtUp || Date.now() - progressAt < options.maxWaitMs) return
  throw new Failure(
    5,
    `Service ${dependencies.service.name}: the log has no closed snapshot and has not grown for ${Math.round(options.maxWaitMs / 1000)} s: run publish, then consume again.`,
  )
}
