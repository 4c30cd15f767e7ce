import { setMaxListeners } from 'node:events'
import type pg from 'pg'
import type { NatsConnection } from 'nats'
import { brokerFailure, withNats } from '../infra/nats/connect.ts'
import { createWaitOut, type WaitOut } from '../infra/nats/outage.ts'
import { withSession } from '../infra/postgres/session.ts'
import { sessionFailure } from '../infra/postgres/session-failure.ts'
import { backendPid } from './backend-pid.ts'
import type { PublishOptions, PublisherDependencies, Report } from './publish-snapshot.ts'
import { type WaitWatch, withWaitWatch } from './wait-watch.ts'

/** What one run of `publish` works with. */
export interface Run {
  readonly dependencies: PublisherDependencies
  readonly options: PublishOptions
  readonly report: Report
  readonly connection: NatsConnection
  readonly waitOut: WaitOut
  /** The session that holds the publisher's lock, for short statements. */
  readonly control: pg.Client
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

/** What a server takes that says nothing of `max_payload`. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576

const LONGEST_TIMER_MS = 2_147_483_647

const WAY_OUT = 'run publish again'

/**
 * Opens what a run needs, and closes it.
 * @throws the first reason of its end, which is a Failure wherever a server or a connection had to do with it.
 */
export async function withRun<Result>(
  dependencies: PublisherDependencies,
  wishes: PublishOptions,
  report: Report,
  action: (run: Run) => Promise<Result>,
): Promise<Result> {
  const { monolith, nats } = dependencies
  const options = { ...wishes, maxOutageMs: boundedMs(wishes.maxOutageMs) }
  const failed = new AbortController()
  const fail = (reason: unknown): void => failed.abort(reason)
  const signal = AbortSignal.any([options.signal, failed.signal])
  // Each writer and each session listens, and so does whoever waits: more than the ten that Node takes for a leak.
  setMaxListeners(0, signal)
  const endWith = (session: pg.Client): (() => void) =>
    onLoss(session, (error) => fail(sessionFailure(monolith, error, WAY_OUT)))
  const notice = (text: string): void => report({ type: 'notice', text })
  try {
    options.signal.throwIfAborted()
    return await withNats(nats, 'publish', async (connection) => {
      const waitOut = createWaitOut(connection, { maxOutageMs: options.maxOutageMs, notice, signal })
      const maxPayloadBytes = connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES
      const outside = { dependencies, options, report, connection, waitOut, maxPayloadBytes, signal, fail, endWith }
      return await withWaitWatch(
        monolith,
        notice,
        async (watch) =>
          await withSession(monolith, { purpose: 'publish', signal }, async (control) => {
            const leave = endWith(control)
            watch.add(await backendPid(control), 'Publish')
            await control.query(`SET lock_timeout = ${options.maxOutageMs}`)
            try {
              return await action({ ...outside, watch, control })
            } finally {
              leave()
            }
          }),
      )
    })
  } catch (error) {
    options.signal.throwIfAborted()
    const reason: unknown = failed.signal.aborted ? failed.signal.reason : error
    throw brokerFailure(nats, sessionFailure(monolith, reason, WAY_OUT), WAY_OUT)
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
