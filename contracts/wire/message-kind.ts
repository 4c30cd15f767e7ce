import { checkVersion, MESSAGE_KINDS } from './check-message.ts'
import type { Message } from './message.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { WireError } from './wire-error.ts'

/**
 * What sort of message a payload is, without reading more of it. Version and kind stand first in every version of the
 * format, so that a newer message is known as such before anything in it can surprise this reader.
 * @throws WireError where the payload is no message, or one of a newer version.
 */
export function messageKind(payload: Uint8Array): Message['kind'] {
  const reader = new MsgpackReader(payload)
  if (reader.mapSize(reader.head()) < 2 || reader.key() !== 'v') return refuse('is not a map that begins with v')
  const version = reader.integer(reader.head())
  if (version === null || version < 1) return refuse('has a version that is no integer from 1')
  checkVersion(version)
  if (reader.key() !== 'kind') return refuse('does not have its kind as its second field')
  const kind = reader.key()
  return MESSAGE_KINDS.find((known) => known === kind) ?? refuse(`is none of ${MESSAGE_KINDS.join(', ')}`)
}

function refuse(what: string): never {
  throw new WireError(`A message of the log ${what}.`)
}
