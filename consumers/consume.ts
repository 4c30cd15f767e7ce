import type { NatsConnection } from 'nats'
import { Failure } from '../contracts/failure.ts'
import type { ContractSet, Service } from '../contracts/language/contract-set.ts'
import type { Lsn } from '../contracts/positions.ts'
import type { ByteWindow } from '../infra/byte-window.ts'
import { LogReplaced } from '../infra/nats/read-log.ts'
import { connectNats, type NatsTarget } from '../infra/nats/connect.ts'
import type { PostgresTarget } from '../infra/postgres/session.ts'
import { isRestarting, type OutageCause, outageCause, Unreachable } from './database-outage.ts'
import { operatorFailure } from './driver-failure.ts'
import { type ConsumeOutcome, type ConsumerEvent, noticeOf } from './events.ts'
import { lead, type Run, type Standing } from './lead.ts'
import { LedgerConflict } from './ledger.ts'
import { keepErrors, type MetErrors, storeEnding } from './met-errors.ts'
import { OutagePatience } from './outage-patience.ts'
import { CONSUMER, type ConsumerRole } from './role.ts'

export interface ConsumerDependencies {
  readonly set: ContractSet
  readonly service: Service
  readonly prefix: string
  readonly database: PostgresTarget
  readonly nats: NatsTarget
  /** Bounds the pages in memory, over all consumers of one process. */
  readonly window: ByteWindow
  /** The service's consumer by default. */
  readonly role?: ConsumerRole
}

export type StopAt = 'loaded' | 'present end' | Lsn

export interface ConsumeOptions {
  /** Ends when all that the log holds is applied, indexes and foreign keys included; otherwise it goes on for ever. */
  readonly untilCaughtUp: boolean
  /**
   * Where to end besides: when the tables hold the snapshot, and no change after it; when all is applied that the log held
   * at the beginning, however much comes meanwhile; or when every transaction is applied
   * whose commit begins before a position, and no other. It must not be before the epoch's last consistency point.
   */
  readonly stopAt?: StopAt
  /** Sessions that load this service's tables at the same time. */
  readonly loaders: number
  /** What a loader copies before it commits; a crash repeats as much. */
  readonly transactionBytes: number
  /** How long to wait for a server that is away, and for a snapshot that is not closed and does not grow. */
  readonly maxWaitMs: number
  /** How long the service's database may be silent before its sessions are given up and opened anew. */
  readonly answerLimitMs: number
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

/** A broker that comes back older again and again is to be looked at. */
const MAX_REPLACED = 3

/** A server that answers at all answers in this time, however busy it is. */
export const ANSWER_LIMIT_MS = 30_000

/**
 * Applies one service's log to its database. A database that goes away meanwhile is waited for, and the reading goes on
 * where its checkpoint says.
 * @throws Failure whatever a server or the log does; the signal's reason where it was aborted.
 */
export async function consume(
  given: ConsumerDependencies,
  options: ConsumeOptions,
  report: Report,
): Promise<ConsumeOutcome> {
  const startedAt = Date.now()
  const dependencies = { role: CONSUMER, ...given }
  const { database, nats, role, service } = dependencies
  const loaded = { rows: 0, bytes: 0, changes: 0 }
  const leading: Leading = { ...keepErrors(), wasLeader: false }
  let connection: Promise<NatsConnection> | null = null
  const connectBroker = async (): Promise<NatsConnection> =>
    await (connection ??= connectNats(nats, `${role.verb} ${service.name}`))
  try {
    const { epoch, rows } = await consumeThroughOutages(dependencies, options, { connectBroker, leading }, (event) => {
      leading.after(event)
      if (event.type === 'pages-loaded') {
        loaded.rows += event.rows
        loaded.bytes += event.bytes
      }
      if (event.type === 'changes-applied') loaded.changes += event.changes
      report(event)
    })
    return {
      service: service.name,
      epoch,
      tables: service.entities.length,
      rows,
      loadedRows: loaded.rows,
      loadedBytes: loaded.bytes,
      appliedChanges: loaded.changes,
      seconds: (Date.now() - startedAt) / 1000,
    }
  } catch (error) {
    options.signal.throwIfAborted()
    const failure = operatorFailure(error, { nats, database: dependencies.database.title })
    // One that found another at work has nothing to say of it.
    if (leading.wasLeader && failure instanceof Error)
      await storeEnding(database, { role, service: service.name }, failure.message)
    throw failure
  } finally {
    await closeBroker(connection)
  }
}

/** One that could not be made has told so. */
async function closeBroker(connection: Promise<NatsConnection> | null): Promise<void> {
  const made = await connection?.catch(() => null)
  await made?.close()
}

async function consumeThroughOutages(
  dependencies: Run['dependencies'],
  options: ConsumeOptions,
  { connectBroker, leading }: { readonly connectBroker: Run['connectBroker']; readonly leading: Leading },
  report: Report,
): Promise<Standing> {
  const { database, service } = dependencies
  const { maxWaitMs: maxOutageMs, signal } = options
  const notice = noticeOf(service.name, report)
  const patience = new OutagePatience({ database: database.title, maxOutageMs, notice, signal })
  const met: Met = { wasLetIn: false, tookWrites: false, conflicts: 0, replaced: 0 }
  const tookWrites = (): void => void (met.tookWrites = true)
  const run = {
    dependencies,
    options,
    connectBroker,
    former: new Map(),
    report: reportingProgress(report, () => {
      tookWrites()
      patience.progressed()
    }),
    letIn: () => void (met.wasLetIn = true),
    takeError: leading.take,
    connected: () => {
      leading.wasLeader = true
      patience.connected()
    },
    idle: () => {
      tookWrites()
      patience.idle()
    },
  }
  for (;;) {
    try {
      signal.throwIfAborted()
      leading.wasLeader = false
      return await leadOnce(run)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof LedgerConflict && (met.conflicts += 1) <= MAX_CONFLICTS)
        notice('Pages came in by another way while they were loaded: reading again from what is stored.', 'fault')
      else if (error instanceof LogReplaced && (met.replaced += 1) <= MAX_REPLACED)
        notice('The broker came back with an older store: reading again from what it has.', 'fault')
      else await patience.pause(waitableCause(error, met, dependencies), error)
    }
  }
}

/** What was met while this consumer was the service's. */
interface Leading extends MetErrors {
  wasLeader: boolean
}

/** What proves that the database takes rows. */
const PROGRESS: ReadonlySet<ConsumerEvent['type']> = new Set(['pages-loaded', 'object-built', 'changes-applied'])

function reportingProgress(report: Report, progressed: () => void): Report {
  return (event) => {
    if (PROGRESS.has(event.type)) progressed()
    report(event)
  }
}

/** What a run has met so far. */
interface Met {
  wasLetIn: boolean
  tookWrites: boolean
  conflicts: number
  replaced: number
}

/**
 * Why the database is to be waited for. Before it has let us in once it is not, unless it says itself that it begins or
 * ends, nor before it has taken a write: whoever has mistyped its URL, or given a standby's, wants to know at once.
 * @throws the error, or its sentence, where there is nothing to wait for.
 */
function waitableCause(error: unknown, met: Readonly<Met>, dependencies: ConsumerDependencies): OutageCause {
  if (error instanceof LedgerConflict) throw conflictFailure(dependencies, error)
  if (error instanceof Unreachable && !met.wasLetIn && !isRestarting(error)) throw error.failure
  const cause = outageCause(error)
  if (cause === null || (cause === 'read-only' && !met.tookWrites)) throw error
  return cause
}

/** One holding of the lease, whose sessions all end with the first that breaks. */
async function leadOnce(run: Omit<Run, 'fail' | 'open'>): Promise<Standing> {
  const broken = new AbortController()
  const signal = AbortSignal.any([run.options.signal, broken.signal])
  const open: Run['open'] = new Map()
  try {
    return await lead({
      ...run,
      options: { ...run.options, signal },
      fail: (error) => broken.abort(error),
      open,
    })
  } catch (error) {
    for (const [pid, since] of open) run.former.set(pid, since)
    const reason: unknown = broken.signal.aborted ? broken.signal.reason : error
    // What still waits beside what has failed waits no more.
    broken.abort(reason)
    throw reason
  }
}

function conflictFailure({ database, service }: ConsumerDependencies, cause: LedgerConflict): Failure {
  return new Failure(
    4,
    `Service ${service.name}: pages come into ${database.title} by another way again and again: find out who else writes to scission.ledger, then run consume again.`,
    { cause },
  )
}
