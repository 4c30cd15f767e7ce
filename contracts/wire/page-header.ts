import { type PageFrame, pageFrameOf } from './check-message.ts'
import { MessageFields } from './message-fields.ts'
import { messageKind } from './message-kind.ts'
import { type Decoded, MsgpackReader } from './msgpack-reader.ts'
import { WireError } from './wire-error.ts'

/** A page without its rows, and where they are. */
export interface PageHeader extends PageFrame {
  /** The offset of the first row in the payload. */
  readonly rowsOffset: number
  readonly rowCount: number
}

/**
 * Reads all of a page but its rows, which stand last.
 * @throws WireError where the payload is no page, or a field is not as the format has it.
 */
export function readPageHeader(payload: Uint8Array): PageHeader {
  const kind = messageKind(payload)
  if (kind !== 'page') throw new WireError(`A message of the log is a ${kind}, where a page was expected.`)
  const reader = new MsgpackReader(payload)
  const size = reader.mapSize(reader.head())
  const values = new Map<string, Decoded>()
  for (let index = 1; index < size; index++) values.set(reader.key(), reader.value())
  const fields = new MessageFields(values, 'A page')
  const frame = pageFrameOf(fields)
  fields.end()
  if (values.size !== size - 1) fields.refuse('has a field twice')
  if (reader.key() !== 'rows') fields.refuse('does not end with its rows')
  const rowCount = reader.arraySize(reader.head())
  if (rowCount < 1) fields.refuse('has no rows')
  return { ...frame, rowsOffset: reader.at, rowCount }
}
