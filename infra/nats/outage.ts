import {
  ErrorCode,
  Events,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  type QueuedIterator,
  type Status,
} from 'nats'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../contracts/failure.ts'
import { LeaderAlone, NotYetHeld } from './stream-leader.ts'
import type { Notice } from '../notice.ts'

/** How long a broker that is away is waited for, and who is told of it. */
export interface OutagePatience {
  readonly maxOutageMs: number
  /** Is told once of each outage. */
  readonly notice: Notice
  readonly signal: AbortSignal
}

/**
 * Runs an action against the broker; while the broker is away it is tried again. The action is told whether a stream has
 * lacked what it looks for, by `NotYetHeld`, for so long that it does not have it.
 */
export type WaitOut = <Result>(
  action: (manager: JetStreamManager, isSure: boolean) => Promise<Result>,
) => Promise<Result>

/** A pause between two tries to reach a broker that is away. */
export const RETRY_WAIT_MS = 500

/** What a new leader holds it has applied long before. */
const LACKING_MS = 5_000

const CONNECTION_LOOK_MS = 100

/** What a client says when it had no answer, or none that counts. */
const OUTAGE_CODES = new Set([
  '503',
  'CANCELLED',
  'CONNECTION_DRAINING',
  'CONNECTION_CLOSED',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'DISCONNECT',
  'TIMEOUT',
])

/** JetStream's own words for "not now": no leader yet, shutting down, busy, a store that is being closed. */
const TEMPORARY_API_ERRORS = new Set([10_008, 10_009, 10_076, 10_118, 10_158, 10_163, 10_167])

/**
 * Whether the broker did not answer, or answered that it cannot now; a refusal would come again.
 * Manual: docs.nats.io, "JetStream API", error codes.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false
  if (error.api_error !== undefined) return TEMPORARY_API_ERRORS.has(error.api_error.err_code ?? 0)
  return OUTAGE_CODES.has(error.code)
}

/**
 * Makes the function with which one connection's outages are waited out: all of its callers together say once that
 * they wait.
 */
export function createWaitOut(connection: NatsConnection, patience: OutagePatience): WaitOut {
  let said = false
  return async (action) => {
    const deadline = Date.now() + patience.maxOutageMs
    let lackingSince = Number.POSITIVE_INFINITY
    for (let tries = 1; ; tries += 1) {
      patience.signal.throwIfAborted()
      try {
        const result = await untilAborted(
          patience.signal,
          whileConnected(connection, action, Date.now() - lackingSince > LACKING_MS),
        )
        if (said) patience.notice('NATS answers again.')
        said = false
        return result
      } catch (error) {
        patience.signal.throwIfAborted()
        const isLacking = error instanceof NotYetHeld
        lackingSince = isLacking ? Math.min(lackingSince, Date.now()) : Number.POSITIVE_INFINITY
        if (!isLacking && !isOutage(error)) throw error
        assertOpen(connection, error)
        if (Date.now() >= deadline && !isLacking) throw outageFailure(patience.maxOutageMs, error)
        const isToSay = tries > 1 && !isLacking && !said
        if (isToSay) patience.notice(outageNotice(patience.maxOutageMs, error), 'fault')
        said ||= isToSay
        await delay(RETRY_WAIT_MS, undefined, { signal: patience.signal }).catch(() => undefined)
      }
    }
  }
}

/** A request that is made without a connection, or whose connection breaks, would lie there until it times out. */
async function whileConnected<Result>(
  connection: NatsConnection,
  action: (manager: JetStreamManager, isSure: boolean) => Promise<Result>,
  isSure: boolean,
): Promise<Result> {
  const lost = NatsError.errorForCode(ErrorCode.Disconnect)
  if (!isConnected(connection)) throw lost
  const stop = new AbortController()
  const broken = untilChanged(connection, stop.signal).then(() => {
    throw lost
  })
  try {
    const asking = connection.jetstreamManager({ checkAPI: false }).then((manager) => action(manager, isSure))
    return await Promise.race([asking, broken])
  } finally {
    stop.abort()
    broken.catch(() => undefined)
  }
}

/** The client has the server's description while it has a connection, and for a moment after that broke. */
export function isConnected(connection: NatsConnection): boolean {
  return connection.info !== undefined
}

/** Returns when the connection breaks or is made again: what was sent before that may have gone nowhere. */
async function untilChanged(connection: NatsConnection, signal: AbortSignal): Promise<void> {
  // The client's iterator can be stopped, which the type that it is given does not say.
  const status = connection.status() as QueuedIterator<Status>
  // Of a break that was before this nothing is told, and the description goes only with the next try to connect.
  const look = setInterval(() => isConnected(connection) || status.stop(), CONNECTION_LOOK_MS)
  signal.addEventListener('abort', () => status.stop(), { once: true })
  try {
    for await (const { type } of status) if (type === Events.Disconnect || type === Events.Reconnect) return
  } finally {
    clearInterval(look)
  }
}

function outageNotice(maxOutageMs: number, cause: unknown): string {
  const upTo = `up to ${maxOutageMs / 1000} s`
  return cause instanceof LeaderAlone
    ? `The leader of stream ${cause.stream} hears no majority of its replicas: waiting for them, ${upTo}.`
    : `NATS does not answer: waiting for it, ${upTo}.`
}

export function outageFailure(maxOutageMs: number, cause: unknown): Failure {
  if (cause instanceof LeaderAlone)
    return new Failure(
      5,
      `The leader of stream ${cause.stream} has heard no majority of its replicas for ${maxOutageMs / 1000} s: see that the servers of the cluster run and reach one another, then run the command again.`,
      { cause },
    )
  return new Failure(
    5,
    `NATS has not answered for ${maxOutageMs / 1000} s: see that it runs and can be reached, then run the command again.`,
    { cause },
  )
}

/** A client that closed its connection never opens it again: credentials that hold no more, for example. */
function assertOpen(connection: NatsConnection, cause: unknown): void {
  if (!connection.isClosed()) return
  throw new Failure(
    4,
    'NATS let us in before and does not any more: see that user and credentials still hold, then run the command again.',
    { cause },
  )
}

/** Settles as the promise does, or rejects with the signal's reason if that comes first. */
export async function untilAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  let stop: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error) // What a signal is aborted with is thrown as it is.
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    signal.throwIfAborted()
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
    // The loser of the race may still fail, with nobody left to be told.
    promise.catch(() => undefined)
    aborted.catch(() => undefined)
  }
}
