import { checkedMessage } from './check-message.ts'
import { decodeMessage } from './decode-message.ts'
import { messageKind } from './message-kind.ts'
import type { ChangeMessage, ChangeRun, WireChange } from './message.ts'
import { type Decoded, MsgpackReader } from './msgpack-reader.ts'

/** From so many changes on they are left as bytes: a large transaction has some thousands in each message. */
const LONG_CHANGES = 50

/** A run of many changes which are read when they are asked for: whoever takes them column by column never does. */
export class LongRun implements ChangeRun {
  readonly entity: string
  readonly shape: string
  readonly lsn: string
  readonly xid: string
  readonly committedAt: number
  readonly last: boolean
  readonly firstOrdinal: number
  readonly count: number
  /** The message, which has no other run. */
  readonly payload: Uint8Array
  /** Where the first change begins in it. */
  readonly changesOffset: number

  constructor(
    { changes, committedAt, entity, last, lsn, shape, xid }: ChangeRun,
    place: Pick<LongRun, 'count' | 'payload' | 'changesOffset'>,
  ) {
    this.entity = entity
    this.shape = shape
    this.lsn = lsn
    this.xid = xid
    this.committedAt = committedAt
    this.last = last
    this.firstOrdinal = changes[0]?.[0] ?? 0
    this.count = place.count
    this.payload = place.payload
    this.changesOffset = place.changesOffset
  }

  /** @throws WireError where one of them cannot be read. */
  get changes(): readonly WireChange[] {
    const message = decodeMessage(this.payload)
    const [run] = message.kind === 'change' ? message.runs : []
    if (run === undefined) throw new Error('The message had a run of changes a moment ago')
    return run.changes
  }
}

/**
 * A change message of one long run, without its changes; all else in it is checked.
 * @returns null for any other message, which is to be decoded as a whole.
 * @throws WireError where it cannot be read as far as its first change.
 */
export function decodeLongRun(payload: Uint8Array): ChangeMessage | null {
  if (messageKind(payload) !== 'change') return null
  const reader = new MsgpackReader(payload)
  const frame = fieldsBefore('runs', reader)
  if (frame === null || reader.arraySize(reader.head()) !== 1) return null
  const run = fieldsBefore('changes', reader)
  const count = run === null ? 0 : reader.arraySize(reader.head())
  if (run === null || count < LONG_CHANGES) return null
  const changesOffset = reader.at
  run.set('changes', [reader.value()])
  frame.set('runs', [run])
  const message = checkedMessage(frame)
  if (message.kind !== 'change') return null
  return { ...message, runs: message.runs.map((only) => new LongRun(only, { count, payload, changesOffset })) }
}

/** The fields of a map whose last one is `last`, whose value is next; null of another map. */
function fieldsBefore(last: string, reader: MsgpackReader): Map<string, Decoded> | null {
  const fields = new Map<string, Decoded>()
  for (let left = reader.mapSize(reader.head()); left > 1; left--) {
    const key = reader.key()
    if (key === last) return null
    fields.set(key, reader.value())
  }
  return reader.key() === last ? fields : null
}
