import { setMaxListeners } from 'node:events'
import type pg from 'pg'
import type { NatsConnection } from 'nats'
import { brokerFailure, withNats } from '../infra/nats/connect.ts'
import { createWaitOut, type WaitOut } from '../infra/nats/outage.ts'
import { backendPid } from '../infra/postgres/backend.ts'
import { withSession } from '../infra/postgres/session.ts'
import { sessionFailure } from '../infra/postgres/session-failure.ts'
import { noticeOf } from './events.ts'
import type { PublishOptions, PublisherDependencies, Report } from './publish-snapshot.ts'
import { type WaitWatch, withWaitWatch } from './wait-watch.ts'
import type { Notice } from '../infra/notice.ts'

/** What one run of `publish` works with. */
export interface Run {
  readonly dependencies: PublisherDependencies
  readonly options: PublishOptions
  readonly report: Report
  readonly connection: NatsConnection
  readonly waitOut: WaitOut
  /** The session that holds the publisher's lock, for short statements. */
  readonly control: pg.Client
  /** Its process in the server. */
  readonly pid: string
  readonly former: FormerRun
  /** Says for whom sessions wait. */
  readonly watch: WaitWatch
  /** The largest message that NATS takes, headers included. */
  readonly maxPayloadBytes: number
  /** Ends everything that the run has under way: on the operator's wish, or with the first failure. */
  readonly signal: AbortSignal
  /** Ends the run; the first reason counts. */
  fail(reason: unknown): void
  /** Ends the run where the session does, until the returned function is called. */
  endWith(session: pg.Client): () => void
}

/** The run of the same publication that an outage or a rewritten table has ended. */
export interface FormerRun {
  /** The process of its session, which the server may still take for alive; null for the first run. */
  readonly pid: string | null
  /** The epoch that it began or went on with; it may not be stored. */
  readonly epoch: number | null
}

export const NO_FORMER: FormerRun = { pid: null, epoch: null }

/** What a server takes that says nothing of `max_payload`. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576

/** A healthy server answers the watch at once, a busy one in seconds. */
const SILENCE_LIMIT_MS = 30_000

const LONGEST_TIMER_MS = 2_147_483_647

const WAY_OUT = 'run publish again'

/** What the runs of one publication share: the broker's connection, which outlives an outage of the monolith. */
export interface PublisherConnection {
  readonly dependencies: PublisherDependencies
  readonly options: PublishOptions
  readonly report: Report
  readonly notice: Notice
  readonly connection: NatsConnection
}

/**
 * Opens the broker's connection, and closes it.
 * @throws the first reason of the end, which is a Failure wherever a server or a connection had to do with it.
 */
export async function withConnection<Result>(
  dependencies: PublisherDependencies,
  wishes: PublishOptions,
  report: Report,
  action: (outside: PublisherConnection) => Promise<Result>,
): Promise<Result> {
  const options = { ...wishes, maxOutageMs: boundedMs(wishes.maxOutageMs) }
  const notice = noticeOf(report)
  try {
    options.signal.throwIfAborted()
    return await withNats(
      dependencies.nats,
      'publish',
      async (connection) => await action({ dependencies, options, report, notice, connection }),
    )
  } catch (error) {
    options.signal.throwIfAborted()
    throw brokerFailure(dependencies.nats, error, WAY_OUT)
  }
}

/**
 * Opens what one run needs in the monolith, and closes it.
 * @throws the first reason of its end, which is a Failure wherever the monolith or its connection had to do with it.
 */
export async function withRun<Result>(
  outside: PublisherConnection & { readonly former: FormerRun },
  action: (run: Run) => Promise<Result>,
): Promise<Result> {
  const { connection, dependencies, notice, options } = outside
  const { monolith } = dependencies
  const failed = new AbortController()
  const fail = (reason: unknown): void => failed.abort(reason)
  const signal = AbortSignal.any([options.signal, failed.signal])
  // Each writer and each session listens, and so does whoever waits: more than the ten that Node takes for a leak.
  setMaxListeners(0, signal)
  const lost = (error: unknown): void => fail(sessionFailure(monolith, error, WAY_OUT))
  const endWith = (session: pg.Client): (() => void) => onLoss(session, lost)
  try {
    const waitOut = createWaitOut(connection, { maxOutageMs: options.maxOutageMs, notice, signal })
    const maxPayloadBytes = connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES
    const watching = { monolith, notice, lost, silenceMs: options.timing?.silenceMs ?? SILENCE_LIMIT_MS }
    return await withWaitWatch(
      watching,
      async (watch) =>
        await withSession(monolith, { purpose: 'publish', signal }, async (control) => {
          const leave = endWith(control)
          const pid = await backendPid(control)
          watch.add(pid, 'Publish')
          await control.query(`SET lock_timeout = ${options.maxOutageMs}`)
          try {
            return await action({ ...outside, waitOut, maxPayloadBytes, signal, fail, endWith, watch, control, pid })
          } finally {
            leave()
          }
        }),
    )
  } catch (error) {
    options.signal.throwIfAborted()
    const reason: unknown = failed.signal.aborted ? failed.signal.reason : error
    throw sessionFailure(monolith, reason, WAY_OUT)
  } finally {
    // Whatever of it was not closed in order: a writer or a session must not live on beside those of the next run.
    failed.abort(new Error('The run has ended'))
  }
}

/** PostgreSQL takes 0 for no bound at all, and timers longer than this for none. */
function boundedMs(maxOutageMs: number): number {
  return Math.min(Math.max(1, Math.ceil(maxOutageMs)), LONGEST_TIMER_MS)
}

/** A session that idles is told of its end, and nobody else would be. */
function onLoss(session: pg.Client, lost: (error: unknown) => void): () => void {
  const ended = (): void => lost(new Error('Connection terminated unexpectedly'))
  session.on('error', lost)
  session.on('end', ended)
  return () => {
    session.off('error', lost)
    session.off('end', ended)
  }
}
