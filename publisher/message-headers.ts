import { headers, type MsgHdrs } from 'nats'
import {
  CONTENT_TYPE,
  CONTENT_TYPE_HEADER,
  EPOCH_HEADER,
  NUMBER_HEADER,
  TRACE_HEADER,
  WRITER_HEADER,
} from '../contracts/wire/headers.ts'

/** 48 random bits tell apart writers that could meet. */
const WRITER_CHARACTERS = 12

/**
 * By this the message behind names the one before it. It is short, since it travels twice with each message. That the
 * broker knows duplicates by it is not relied on.
 */
export function messageId(writerId: string, number: number): string {
  return `${writerId.slice(-WRITER_CHARACTERS)}/${number}`
}

/** Who wrote the message, and which of his it is. */
export function messageHeaders(
  writer: { readonly writerId: string; readonly epoch: number; readonly traceParent: string },
  number: number,
): MsgHdrs {
  const result = headers()
  result.set(WRITER_HEADER, writer.writerId)
  result.set(EPOCH_HEADER, String(writer.epoch))
  result.set(NUMBER_HEADER, String(number))
  result.set(CONTENT_TYPE_HEADER, CONTENT_TYPE)
  result.set(TRACE_HEADER, writer.traceParent)
  return result
}
