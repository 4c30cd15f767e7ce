import { unreachable } from '../failure.ts'
import { checkedChangeMessage } from './check-change.ts'
import { checkedControl } from './check-control.ts'
import { MessageFields } from './message-fields.ts'
import { type Message, type Page, type Part, WIRE_VERSION } from './message.ts'
import { CTID, SHAPE_HASH } from './patterns.ts'
import { WireError } from './wire-error.ts'
import { wireRowOf } from './wire-row.ts'

/** All of a page but its rows. */
export type PageFrame = Omit<Page, 'rows'>

const DIGEST_BYTES = 32

/** A broker that takes 16 KiB a message still takes PostgreSQL's largest row, of 1 GiB. */
export const MAX_PARTS = 65_536

/** What stands in a message's field `kind`. */
export const MESSAGE_KINDS = ['page', 'change', 'control', 'part'] as const

/**
 * Checks every field of a message for its type and range, and gives the message back with its fields in the format's
 * order. The same property is asserted on both sides: before a message is encoded, and after one is decoded.
 * @throws WireError that names the field.
 */
export function checkedMessage(value: unknown): Message {
  const fields = new MessageFields(value, 'A message')
  checkVersion(fields.count('v', 1))
  const kind = fields.oneOf('kind', MESSAGE_KINDS)
  switch (kind) {
    case 'page':
      return checkedPage(new MessageFields(value, 'A page'))
    case 'change':
      return checkedChangeMessage(new MessageFields(value, 'A change message'))
    case 'control':
      return checkedControl(new MessageFields(value, 'A control message'))
    case 'part':
      return checkedPart(new MessageFields(value, 'A part'))
    default:
      return unreachable(kind)
  }
}

/** @throws WireError where the message is of a newer version of the format than this program reads. */
export function checkVersion(version: number): void {
  if (version > WIRE_VERSION)
    throw new WireError(
      `A message of the log is of version ${version} of the wire format, and this program reads version ${WIRE_VERSION}: use a newer scission.`,
    )
}

/** Takes all fields of a page but its rows. */
export function pageFrameOf(fields: MessageFields): PageFrame {
  fields.count('v', 1)
  fields.oneOf('kind', ['page'])
  return {
    v: WIRE_VERSION,
    kind: 'page',
    epoch: fields.count('epoch', 1),
    entity: fields.text('entity'),
    shape: fields.matching('shape', SHAPE_HASH, 'the hash of a shape'),
    attempt: fields.count('attempt', 1),
    chunk: fields.count('chunk', 0),
    page: fields.count('page', 0),
    firstCtid: fields.matching('firstCtid', CTID, 'a ctid'),
    lastCtid: fields.matching('lastCtid', CTID, 'a ctid'),
  }
}

function checkedPage(fields: MessageFields): Page {
  const frame = pageFrameOf(fields)
  const rows = fields.list('rows', (row, index) => wireRowOf(row, `Row ${index} of a page`))
  if (rows.length === 0) fields.refuse('has no rows')
  if (rows.some((row) => row.length !== rows[0]?.length)) fields.refuse('has rows of different lengths')
  fields.end()
  return { ...frame, rows }
}

function checkedPart(fields: MessageFields): Part {
  fields.count('v', 1)
  fields.oneOf('kind', ['part'])
  const part: Part = {
    v: WIRE_VERSION,
    kind: 'part',
    id: fields.text('id'),
    index: fields.count('index', 0),
    count: fields.count('count', 1),
    digest: fields.bytes('digest', DIGEST_BYTES),
    bytes: fields.bytes('bytes'),
  }
  if (part.count > MAX_PARTS) fields.refuse(`is one of ${part.count}, and there may be ${MAX_PARTS} at most`)
  if (part.index >= part.count) fields.refuse(`has the index ${part.index}, and there are ${part.count}`)
  fields.end()
  return part
}
