import { Failure } from '../../contracts/failure.ts'
import type { ContractSet, Service } from '../../contracts/language/contract-set.ts'
import type { ByteWindow } from '../../infra/byte-window.ts'
import type { NatsTarget } from '../../infra/nats/connect.ts'
import { type PostgresTarget, withSession } from '../../infra/postgres/session.ts'
import type { Totals } from '../../infra/verify/report.ts'
import { ANSWER_LIMIT_MS, consume, LOADING_TRANSACTION_BYTES, type StopAt } from '../consume.ts'
import type { ConsumeOutcome } from '../events.ts'
import type { ConsumerRole } from '../role.ts'
import { type Checkpoint, readCheckpoint, readExpectations } from '../service-state.ts'
import { useState } from '../use-state.ts'
import { digestsOf } from './compare-copies.ts'
import type { ReplayStep, ReportReplay } from './events.ts'

/** Where a log is, and how it is read. */
export interface Replaying {
  readonly set: ContractSet
  readonly prefix: string
  readonly nats: NatsTarget
  readonly window: ByteWindow
  /** Sessions that load, build and compare at the same time. */
  readonly jobs: number
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  readonly report: ReportReplay
}

/** A copy of a service's tables that is filled from the log. */
export interface LogCopy {
  readonly service: Service
  readonly database: PostgresTarget
  readonly role: ConsumerRole
}

/**
 * Applies the log to a copy, from where its state says, and ends there.
 * @throws Failure as `consume` does.
 */
export async function fillCopy(replaying: Replaying, copy: LogCopy, to: StopAt): Promise<ConsumeOutcome> {
  const { jobs, maxWaitMs, nats, prefix, report, set, signal, window } = replaying
  const options = {
    untilCaughtUp: true,
    stopAt: to,
    loaders: jobs,
    transactionBytes: LOADING_TRANSACTION_BYTES,
    maxWaitMs,
    answerLimitMs: ANSWER_LIMIT_MS,
    signal,
  }
  return await consume({ set, prefix, nats, window, ...copy }, options, report)
}

/** What applies a log, or compares rows, says how to go on in the words of `consume` or `verify`. */
export function inWordsOfReplay(error: unknown): unknown {
  if (!(error instanceof Failure)) return error
  const text = error.message
    .replaceAll(/\b(run )?(consume|verify) again\b/g, 'run replay again')
    .replaceAll(': verify with the contract set', ': replay it with the contract set')
    .replace(/; or set the .* aside:.*$/, '.')
    .replace(
      /^Another (consumer of service .* is running \(.*\)): .*$/,
      'A $1: end it, and start it again when the replay has ended.',
    )
  return text === error.message ? error : new Failure(error.exitCode, text, { cause: error })
}

/** How far a copy is. @throws Failure 4 where its database belongs to another service, prefix or release. */
export async function readCopy({ prefix, set, signal }: Replaying, copy: LogCopy): Promise<Checkpoint> {
  const { database, role, service } = copy
  return await withSession(database, { purpose: `replay ${service.name}`, signal }, async (client) => {
    await useState(client, role.stateSchema)
    return await readCheckpoint(client, { set, service, prefix })
  })
}

/**
 * Proves a copy that holds the snapshot and no change after it: of every table, rows and digest must be those that the
 * monolith itself had under that snapshot, as the log's manifest has them. A copy with changes was proven before them.
 * @returns the rows and digests; null where the copy was proven before.
 * @throws Failure 3 that names the tables which differ.
 */
export async function proveSnapshot(replaying: Replaying, copy: LogCopy): Promise<ReadonlyMap<string, Totals> | null> {
  const { jobs, signal } = replaying
  const { database, role, service } = copy
  if ((await readCopy(replaying, copy)).lsn !== null) return null
  const expected = await withSession(database, { purpose: `replay ${service.name}`, signal }, async (client) => {
    await useState(client, role.stateSchema)
    return await readExpectations(client)
  })
  const found = await digestsOf({ target: database, service }, jobs, signal)
  const differing = service.entities.filter(({ name }) => {
    const [wanted, own] = [expected.get(name), found.get(name)]
    return wanted === undefined || own?.rows !== wanted.rows || own.digest !== wanted.digest
  })
  if (differing.length === 0) return found
  throw new Failure(
    3,
    `Service ${service.name}: the tables ${differing.map(({ name }) => name).join(', ')}, as the log rebuilds them, are not what the monolith had under the snapshot: somebody wrote to them, or to the log; nothing was swapped. Begin anew (replay ${service.name} --restart, or an empty database for --into), and verify ${service.name} if it comes again.`,
  )
}

/** Whole milliseconds: what is finer is chance. @param startedAt of `performance.now`. */
export function secondsSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt) / 1000
}

/** What is told of a proof. */
export function proofText(proven: ReadonlyMap<string, Totals> | null): string {
  return proven === null ? 'before changes were applied' : 'rows and digests are those of the monolith'
}

/** Runs a step, and tells of it. */
export async function step<Result>(
  { report }: Pick<Replaying, 'report'>,
  service: string,
  name: ReplayStep,
  action: () => Promise<Result>,
  detail: (result: Result) => string,
): Promise<Result> {
  const startedAt = performance.now()
  const result = await action()
  const seconds = secondsSince(startedAt)
  report({ type: 'step-done', service, step: name, detail: detail(result), seconds })
  return result
}
