import type { NatsConnection } from 'nats'
import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import { isSnapshotSubject, streamName } from '../contracts/subjects.ts'
import { createWaitOut, type WaitOut } from '../infra/nats/outage.ts'
import { readLog, type ReadLogOptions } from '../infra/nats/read-log.ts'
import { readStream } from '../infra/nats/stream-leader.ts'
import { LogApplier } from './apply-log.ts'
import type { ConsumeOptions, ConsumerDependencies } from './consume.ts'
import { openConsumerSession, type OpenSessions, type SessionLife } from './consumer-session.ts'
import { outageCause } from './database-outage.ts'
import { endFormerSessions } from './end-former-sessions.ts'
import { type ConsumerEvent, noticeOf } from './events.ts'
import { ChangeApplier } from './following/change-applier.ts'
import { PositionStop } from './following/position-stop.ts'
import { VerificationStop } from './following/verification-stop.ts'
import { type Beginning, findBeginning } from './find-beginning.ts'
import { createHints, type Hints } from './hints.ts'
import { assertNoLoaders, takeLease } from './lease.ts'
import { watchSessions } from './liveness.ts'
import { type LoaderPool, openLoaders } from './loader-pool.ts'
import { PageLoading } from './page-loading.ts'
import type { MetError } from './met-errors.ts'
import { Parking } from './parked/parking.ts'
import { type Checkpoint, lowerHint, readCheckpoint, readLedgerTotals, readShapes } from './service-state.ts'
import { KnownShapes } from './shapes.ts'
import { createTraffic } from './traffic.ts'
import { createWatermark, type Watermark } from './watermark.ts'
import type { Notice } from '../infra/notice.ts'
import type { ConsumerRole } from './role.ts'

/** What outlives one holding of the lease: a run holds it anew after each outage of the service's database. */
export interface Run {
  readonly dependencies: ConsumerDependencies & { readonly role: ConsumerRole }
  /** The signal is aborted too when a session breaks or a loader fails, with that as its reason. */
  readonly options: ConsumeOptions
  readonly report: (event: ConsumerEvent) => void
  readonly fail: (error: Error) => void
  /** One connection to the broker, which is made when it is first needed. */
  readonly connectBroker: () => Promise<NatsConnection>
  /** Sessions of this lease, and those of earlier ones that may still be there. */
  readonly open: OpenSessions
  readonly former: OpenSessions
  /** Is told when the database has let us in. */
  readonly letIn: () => void
  /** Is told when the lease is taken and the checkpoint read. */
  readonly connected: () => void
  /** What was wrong since it was written down last; null where nothing was. */
  readonly takeError: () => MetError | null
  /** Is told when all that the log holds is applied and written down. */
  readonly idle: () => void
}

/** Where a service stands when its log is applied. */
export interface Standing {
  readonly epoch: number
  readonly rows: number
}

/** Holds the service's lease, and applies the log from where its checkpoint says, until there is nothing more to do. */
export async function lead(run: Run): Promise<Standing> {
  const { dependencies, fail, former, options } = run
  const { database, role, service } = dependencies
  const { answerLimitMs, maxWaitMs, signal } = options
  const notice = noticeOf(service.name, run.report)
  const life = { signal, lost: fail, open: run.open, traffic: createTraffic(), answerLimitMs, maxWaitMs, notice, role }
  const { client: leader, end } = await openConsumerSession(database, service.name, life)
  run.letIn()
  try {
    const stopWatching = await watchSessions(database, service.name, life)
    try {
      await endFormerSessions(leader, former)
      await takeLease(leader, service.name)
      const checkpoint = await readCheckpoint(leader, dependencies)
      run.connected()
      const epoch = await applyToTheEnd(connected(run, await run.connectBroker(), leader, life), checkpoint)
      const ledger = await readLedgerTotals(leader, epoch)
      return { epoch, rows: [...ledger.values()].reduce((sum, { rows }) => sum + rows, 0) }
    } finally {
      await stopWatching()
    }
  } catch (error) {
    // To take leave of a server that does not answer would be to wait for ever.
    if (error instanceof Error && outageCause(error) === 'away') fail(error)
    throw error
  } finally {
    await end()
  }
}

/** Whether the log's present end is an end. */
function isToEnd({ stopAt, untilCaughtUp }: ConsumeOptions): boolean {
  return untilCaughtUp || stopAt !== undefined
}

/** Changes that came beside pages are read when the tables are complete. */
async function applyToTheEnd(run: ConnectedRun, first: Checkpoint): Promise<number> {
  for (let checkpoint = first; ; checkpoint = await readCheckpoint(run.leader, run.dependencies)) {
    if (run.options.stopAt === 'loaded' && checkpoint.phase === 'following') return checkpoint.epoch
    const { epoch, mustReadAgain } = await applyLog(run, checkpoint)
    if (!mustReadAgain) return epoch
  }
}

interface ConnectedRun extends Run {
  readonly connection: NatsConnection
  readonly leader: pg.Client
  readonly life: SessionLife
  /** Asks the broker, and waits while it is away. */
  readonly ask: WaitOut
  readonly notice: Notice
}

function connected(run: Run, connection: NatsConnection, leader: pg.Client, life: SessionLife): ConnectedRun {
  const { maxWaitMs, signal } = run.options
  const { notice } = life
  const ask = createWaitOut(connection, { maxOutageMs: maxWaitMs, notice, signal })
  return { ...run, connection, leader, life, ask, notice }
}

async function applyLog(run: ConnectedRun, checkpoint: Checkpoint): Promise<Applied> {
  const { ask, dependencies, leader, life, options } = run
  const { database, prefix, service } = dependencies
  const beginning = await findBeginning({ ask, prefix, service: service.name }, checkpoint)
  if (beginning.from <= checkpoint.streamSequence) await lowerHint(leader, beginning.from - 1)
  await assertNoLoaders(leader, service.name)
  const loaders = await openLoaders(database, service.name, options.loaders, life)
  try {
    const start = { sequence: beginning.from - 1, writer: checkpoint.writer }
    return await withChangeSession(run, checkpoint, async (changes) => {
      const place = { checkpoint, beginning }
      const reading = await beginReading(run, { loaders, changes, watermark: createWatermark(start) }, place)
      const { from, previous } = beginning
      const { writer } = checkpoint
      return await applyFrom(run, reading, { from, previous: previous && { writer, number: previous.number } })
    })
  } finally {
    await loaders.end()
  }
}

/** Changes lost with a server that crashed are read again, like pages: see `openLoaders`. */
async function withChangeSession<Result>(
  { dependencies: { database, service }, life }: ConnectedRun,
  { phase }: Checkpoint,
  action: (client: pg.Client | null) => Promise<Result>,
): Promise<Result> {
  if (phase !== 'following') return await action(null)
  const { client, end } = await openConsumerSession(database, `${service.name} changes`, life)
  life.traffic.add(client)
  try {
    await client.query('SET synchronous_commit = off')
    return await action(client)
  } finally {
    await end()
  }
}

/** Where the log is read on. */
type ReadingPlace = Required<Pick<ReadLogOptions, 'from' | 'previous'>>

async function applyFrom(run: ConnectedRun, reading: Reading, place: ReadingPlace): Promise<Applied> {
  const { applier, changes, loading } = reading
  try {
    await applier.resume()
    await readAndApply(run, reading, place)
    await loading.drain()
    await changes.drain()
    await reading.hints.store()
    return { epoch: applier.epoch, mustReadAgain: applier.mustReadAgain }
  } finally {
    loading.abandon()
  }
}

interface Applied {
  readonly epoch: number
  /** Whether changes wait in the log, behind where the hint stands. */
  readonly mustReadAgain: boolean
}

interface Workers {
  readonly loaders: LoaderPool
  /** The session in which changes are applied, where they are. */
  readonly changes: pg.Client | null
  readonly watermark: Watermark
}

interface Reading {
  readonly stream: string
  readonly applier: LogApplier
  readonly loading: PageLoading
  readonly changes: ChangeApplier
  readonly hints: Hints
  /** The last message that was read, and the stream's end as it was then. */
  readonly read: { sequence: number; last: number; at: number }
}

async function beginReading(
  run: ConnectedRun,
  { loaders, changes: client, watermark }: Workers,
  { checkpoint, beginning }: { readonly checkpoint: Checkpoint; readonly beginning: Beginning },
): Promise<Reading> {
  const { dependencies, fail, leader, life, options, report } = run
  const { database, prefix, service, set, window } = dependencies
  const shapes = new KnownShapes(service.name, service.entities, await readShapes(leader))
  const { signal, stopAt, transactionBytes } = options
  const applied = watermark.applied
  const { passedOver, verb } = life.role
  const loading = new PageLoading({
    service,
    passedOver,
    leader,
    loaders,
    transactionBytes,
    shapes,
    window,
    signal,
    report,
    applied,
  })
  const { epoch, lsn: position, snapshots } = checkpoint
  const parking = await Parking.read(leader, service.name, life.notice)
  const read = { sequence: beginning.from - 1, last: beginning.from - 1, at: Date.now() }
  const hints = createHints({ leader, watermark, read, traffic: life.traffic, takeError: run.takeError })
  const of = { service, passedOver, shapes, parking, epoch, position, snapshots }
  const changes = new ChangeApplier({ ...of, client, applied, awaitRoom: hints.until, report, failed: fail })
  const stream = streamName(prefix, service.name)
  const drain = async (): Promise<void> => await changes.drain()
  const stop =
    verb === 'replay'
      ? new PositionStop(typeof stopAt === 'bigint' ? stopAt : null)
      : new VerificationStop({ leader, database, service: service.name, life, drain })
  const workers = { leader, loaders, loading, changes, stop }
  const application = { set, service, passedOver, database, stream, ...workers, shapes, watermark, report }
  const applier = new LogApplier(application, checkpoint, beginning)
  return { stream, applier, loading, changes, hints, read }
}

async function readAndApply(run: ConnectedRun, reading: Reading, place: ReadingPlace): Promise<void> {
  const { connection, notice, options } = run
  const { applier, changes, hints, loading, read, stream } = reading
  const { maxWaitMs: maxOutageMs, signal } = options
  // What is built before the log is read makes the changes wanted that the reading was not opened for.
  if (applier.mustReadAgain || (await isDone(run, reading))) return
  const end = options.stopAt === 'present end' ? await lastSequence(run, stream) : Infinity
  for await (const item of readLog(connection, stream, { ...place, signal, maxOutageMs, notice })) {
    signal.throwIfAborted()
    if (item.kind === 'message') {
      Object.assign(read, { sequence: item.sequence, last: item.sequence + item.behind, at: Date.now() })
      // Pages wait for room; of controls the leader makes transactions of its own.
      await (isSnapshotSubject(item.subject) ? hints.until(applier.apply(item)) : applier.apply(item))
    } else {
      await hints.until(loading.drain())
      await hints.until(changes.drain())
    }
    if (applier.mustReadAgain || applier.isStopped || (applier.phase === 'following' && read.sequence >= end)) return
    await (item.kind === 'idle' ? hints.store() : hints.storeIfDue())
    if (item.kind === 'idle') {
      run.idle()
      assertProgress(run, read.at)
    }
    const mayBeDone = item.kind === 'idle' || item.subject.endsWith('.control.manifest')
    if (mayBeDone && (await isDone(run, reading))) return
  }
  signal.throwIfAborted()
}

async function isDone(run: ConnectedRun, { applier, read, stream }: Reading): Promise<boolean> {
  if (!isToEnd(run.options) || applier.phase !== 'following') return false
  return read.sequence >= (await lastSequence(run, stream))
}

async function lastSequence({ ask }: ConnectedRun, stream: string): Promise<number> {
  return await ask(async (manager) => (await readStream(manager, stream)).state.last_seq)
}

function assertProgress({ dependencies, options }: Run, progressAt: number): void {
  if (!isToEnd(options) || Date.now() - progressAt < options.maxWaitMs) return
  throw new Failure(
    5,
    `Service ${dependencies.service.name}: the log has no closed snapshot and has not grown for ${Math.round(options.maxWaitMs / 1000)} s: run publish, then consume again.`,
  )
}
