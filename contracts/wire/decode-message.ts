import { checkedMessage } from './check-message.ts'
import { messageKind } from './message-kind.ts'
import type { Message } from './message.ts'
import { MsgpackReader } from './msgpack-reader.ts'

/**
 * Decodes any message, and checks all of it. Its byte arrays are views of the payload. For pages this is the
 * reference, and the way for a few rows; many are copied as bytes by `copyTextChunks`.
 * @throws WireError with one sentence that names what is wrong; a newer version of the format is refused by name.
 */
export function decodeMessage(payload: Uint8Array): Message {
  messageKind(payload)
  const reader = new MsgpackReader(payload)
  const value = reader.value()
  reader.end()
  return checkedMessage(value)
}
