import { NatsError } from 'nats'
import { Failure } from '../contracts/failure.ts'

/** Why a stream takes no more messages, until an operator makes room. */
export interface Shortage {
  /** For example `Stream SHOP_IAM takes no more messages (maximum bytes exceeded): it has reached its own max_bytes`. */
  readonly problem: string
  /** What makes room, as the end of a sentence. */
  readonly cure: string
}

/** Said of limits and of a full disk as well as of a store that is closed because the server is ending. */
export const STORE_FAILED = 10_077

const ACCOUNT_EXCEEDED = 10_002
/** Of storage or memory of the server, or of any broker of the cluster. */
const SERVER_EXCEEDED = new Set([10_023, 10_028, 10_047])

/** Null for whatever is no want of room. Manual: docs.nats.io, "JetStream API", error codes. */
export function shortageOf(stream: string, cause: unknown): Shortage | null {
  if (!(cause instanceof NatsError) || cause.api_error === undefined) return null
  const { err_code: code = 0, description: said } = cause.api_error
  const full = (what: string, cure: string): Shortage => ({
    problem: `Stream ${stream} takes no more messages (${said}): ${what}`,
    cure,
  })
  if (code === ACCOUNT_EXCEEDED)
    return full('its account has reached its limits', 'raise max_storage of the account in the configuration of NATS')
  if (SERVER_EXCEEDED.has(code))
    return full('the broker has reached its own limits', 'raise max_file_store in its jetstream block')
  if (code !== STORE_FAILED) return null
  if (/no space/i.test(said))
    return full(
      "the broker's disk is full",
      'free space there, and restart the broker if its log says that JetStream was disabled',
    )
  if (/maximum bytes/i.test(said))
    return full('it has reached its own max_bytes', `raise it with "nats stream edit ${stream} --max-bytes=-1"`)
  if (/exceed|maximum|insufficient/i.test(said))
    return full('it has reached a limit of its own', `raise it with "nats stream edit ${stream}"`)
  return null
}

export function shortageNotice({ problem, cure }: Shortage, maxOutageMs: number): string {
  return `${problem}. Waiting for room, up to ${maxOutageMs / 1000} s: ${cure}; publishing then goes on by itself.`
}

export function shortageFailure({ problem, cure }: Shortage, maxOutageMs: number, cause: unknown): Failure {
  return new Failure(
    5,
    `${problem}, and no room was made in ${maxOutageMs / 1000} s: ${cure}, then run publish again.`,
    {
      cause,
    },
  )
}
