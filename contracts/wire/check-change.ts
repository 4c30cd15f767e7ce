import { parseLsn } from '../positions.ts'
import { MessageFields } from './message-fields.ts'
import { ABSENT, type ChangeMessage, type ChangeRun, UNCHANGED, WIRE_VERSION, type WireChange } from './message.ts'
import { LSN, SHAPE_HASH, XID } from './patterns.ts'
import { WireError } from './wire-error.ts'
import { wireRowOf } from './wire-row.ts'

const CHANGE = 'A change'

export function checkedChangeMessage(fields: MessageFields): ChangeMessage {
  fields.count('v', 1)
  fields.oneOf('kind', ['change'])
  const epoch = fields.count('epoch', 1)
  const runs = fields.list('runs', (run) => checkedRun(new MessageFields(run, 'A run of changes')))
  if (runs.length === 0) fields.refuse('has no runs')
  if (!runs.every((run, index) => index === 0 || follows(runs[index - 1] as ChangeRun, run)))
    fields.refuse('has runs that are not in the order of their positions')
  fields.end()
  return { v: WIRE_VERSION, kind: 'change', epoch, runs }
}

function checkedRun(fields: MessageFields): ChangeRun {
  const run: ChangeRun = {
    entity: fields.text('entity'),
    shape: fields.matching('shape', SHAPE_HASH, 'the hash of a shape'),
    lsn: fields.matching('lsn', LSN, 'an LSN'),
    xid: fields.matching('xid', XID, 'a transaction id'),
    committedAt: fields.count('committedAt', Number.MIN_SAFE_INTEGER),
    last: fields.boolean('last'),
    changes: fields.list('changes', checkedChange),
  }
  if (run.changes.length === 0) fields.refuse('has no changes')
  const first = firstOrdinal(run)
  if (run.changes.some(([ordinal], index) => ordinal !== first + index)) fields.refuse('has ordinals with a hole')
  fields.end()
  return run
}

/** Whether a run comes after another in the log: later in the same unfinished transaction, or in a later one. */
function follows(before: ChangeRun, after: ChangeRun): boolean {
  if (before.lsn !== after.lsn)
    return before.last && parseLsn(after.lsn) > parseLsn(before.lsn) && firstOrdinal(after) === 0
  return !before.last && firstOrdinal(after) === firstOrdinal(before) + before.changes.length
}

function firstOrdinal({ changes }: ChangeRun): number {
  return changes[0]?.[0] ?? 0
}

/** Markers stand where they mean something: unchanged in what an update wrote, absent in what it or a delete replaced. */
function checkedChange(value: unknown): WireChange {
  if (!Array.isArray(value)) throw new WireError(`${CHANGE} of the log must be an array.`)
  const [ordinal, op, first, second] = value as unknown[]
  const size = op === 'U' ? 4 : 3
  if (typeof ordinal !== 'number' || !Number.isSafeInteger(ordinal) || ordinal < 0 || value.length !== size)
    throw new WireError(`${CHANGE} of the log must be an ordinal, an operation and its rows.`)
  if (op === 'I') return [ordinal, op, wireRowOf(first, `The row of an insert`)]
  if (op === 'D') return [ordinal, op, wireRowOf(first, `The old row of a delete`, ABSENT)]
  if (op === 'T') return [ordinal, op, truncateOptions(new MessageFields(first, 'A truncate'))]
  if (op !== 'U') throw new WireError(`${CHANGE} of the log must be I, U, D or T.`)
  const old = second === null ? null : wireRowOf(second, `The old row of an update`, ABSENT)
  return [ordinal, op, wireRowOf(first, `The new row of an update`, UNCHANGED), old]
}

function truncateOptions(fields: MessageFields): { cascade: boolean; restartIdentity: boolean } {
  const options = { cascade: fields.boolean('cascade'), restartIdentity: fields.boolean('restartIdentity') }
  fields.end()
  return options
}
