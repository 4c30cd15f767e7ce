import { NatsError } from 'nats'
import { Failure } from '../contracts/failure.ts'
import { isOutage } from '../infra/nats/outage.ts'
import { shortageOf, STORE_FAILED } from './log-shortage.ts'

/** Another message, or another sequence, is the stream's last; the third is said where the stream is in a cluster. */
const FENCED_OFF = new Set([10_070, 10_071, 10_164])

const OTHER_STREAM = 10_060

/** What the client says by itself, or was told without an answer. */
const PAYLOAD_TOO_LARGE = 'MAX_PAYLOAD_EXCEEDED'
const NOT_ALLOWED = new Set(['PERMISSIONS_VIOLATION', 'AUTHORIZATION_VIOLATION'])

/**
 * Why the broker will not take a message, where it said so for good; null where the stream's end must tell what became
 * of the message: an answer that did not come, one that another message's failure caused, or a log without room.
 */
export function refusalOf(stream: string, cause: unknown): Failure | null {
  if (!(cause instanceof NatsError) || isOutage(cause)) return null
  const { api_error: said, code } = cause
  if (said === undefined) return clientRefusal(stream, code, cause)
  const { err_code: apiCode = 0 } = said
  if (FENCED_OFF.has(apiCode) || apiCode === STORE_FAILED || shortageOf(stream, cause) !== null) return null
  const refused =
    apiCode === OTHER_STREAM
      ? `The subjects of stream ${stream} lead to another stream: put its configuration right`
      : `Stream ${stream} refuses a message (${said.description}, code ${apiCode}): mend that`
  return new Failure(4, `${refused}, then run publish again.`, { cause })
}

function clientRefusal(stream: string, code: string, cause: NatsError): Failure | null {
  if (code === PAYLOAD_TOO_LARGE)
    return new Failure(
      4,
      `NATS takes smaller messages than it did when publish began (max_payload): give all its servers the same limit, then run publish again.`,
      { cause },
    )
  if (NOT_ALLOWED.has(code))
    return new Failure(
      4,
      `NATS does not let this user write to stream ${stream} (${cause.message}): grant it, then run publish again.`,
      { cause },
    )
  return null
}
