import { DatabaseError } from 'pg'
import { Failure } from '../../contracts/failure.ts'
import { codeOf, type PostgresTarget, publicPlace } from './session.ts'

/** What ends a session from outside, as SQLSTATE. Manual: "PostgreSQL Error Codes". */
const ENDED_SESSION = /^(08...|57P0[1-5]|25P0[34])$/

/** What the operating system says of a connection that broke. */
const BROKEN_CONNECTION = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNABORTED',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
])

const LOCK_NOT_AVAILABLE = '55P03'

/** What the driver itself says; it has no codes for these. */
const LOST_CLIENT = /^(Connection terminated|Client (has encountered a connection error|was closed))/

/** Whether an error means that a session is gone, and not that a statement failed. */
export function isSessionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  return ENDED_SESSION.test(code) || BROKEN_CONNECTION.has(code) || LOST_CLIENT.test(error.message)
}

/**
 * The sentence for what a session's statement failed with; an error that is not the server's or the connection's comes
 * back as it is.
 * @param wayOut ends the sentence, for example `run publish again`.
 */
export function sessionFailure(target: PostgresTarget, error: unknown, wayOut: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const place = `${target.title} (${target.variable}, ${publicPlace(target.url)})`
  if (isSessionLoss(error))
    return new Failure(
      5,
      `The connection to ${place} was lost (${error.message}): see that the server runs, then ${wayOut}.`,
      { cause: error },
    )
  if (!(error instanceof DatabaseError)) return error
  if (codeOf(error) === LOCK_NOT_AVAILABLE)
    return new Failure(5, `A lock in ${place} was held for longer than is waited for: let that end, then ${wayOut}.`, {
      cause: error,
    })
  return new Failure(
    4,
    `A statement failed in ${place}: ${error.message} (SQLSTATE ${codeOf(error)}); put that right, then ${wayOut}.`,
    { cause: error },
  )
}
