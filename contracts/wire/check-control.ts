import type { ControlKind } from '../subjects.ts'
import { MessageFields } from './message-fields.ts'
import { type Control, type EntityTotals, type Shape, type ShapeColumn, WIRE_VERSION } from './message.ts'
import { ISO_TIME, LSN, ROWS_DIGEST, SHAPE_HASH, SNAPSHOT, SYSTEM_ID } from './patterns.ts'
import { shapeHash } from './shape.ts'

const WIRE_KINDS = ['boolean', 'integer', 'float', 'binary', 'text'] as const

type ControlBody = {
  [Kind in ControlKind]: Omit<Extract<Control, { control: Kind }>, 'v' | 'kind' | 'epoch' | 'control'>
}

const readBody: { [Kind in ControlKind]: (fields: MessageFields) => ControlBody[Kind] } = {
  epoch: (fields) => ({
    contractSet: fields.text('contractSet'),
    service: fields.text('service'),
    systemId: fields.matching('systemId', SYSTEM_ID, 'a system identifier'),
    timeline: fields.count('timeline', 1),
    database: fields.text('database'),
    slot: slotOf(fields.nestedOrNull('slot', 'The slot of an epoch')),
    startedAt: fields.matching('startedAt', ISO_TIME, 'a time in UTC'),
  }),
  contract: (fields) => {
    const hash = fields.matching('hash', SHAPE_HASH, 'the hash of a shape')
    const shape = shapeOf(fields.nested('shape', 'A shape'))
    if (shapeHash(shape) !== hash) fields.refuse(`has a hash that is not its shape's`)
    return { hash, shape }
  },
  attempt: (fields) => {
    const attempt = {
      entity: fields.text('entity'),
      shape: fields.matching('shape', SHAPE_HASH, 'the hash of a shape'),
      attempt: fields.count('attempt', 1),
      snapshot: fields.matching('snapshot', SNAPSHOT, 'a snapshot'),
      consistencyPoint: fields.matching('consistencyPoint', LSN, 'an LSN'),
      blocks: fields.count('blocks', 0),
      chunks: fields.count('chunks', 1),
    }
    // Each chunk but one of an empty table has a block of its own.
    if (attempt.chunks > Math.max(1, attempt.blocks)) fields.refuse('has more chunks than blocks')
    return attempt
  },
  chunk: (fields) => ({
    entity: fields.text('entity'),
    attempt: fields.count('attempt', 1),
    chunk: fields.count('chunk', 0),
    ...sumsOf(fields),
  }),
  complete: totalsOf,
  manifest: (fields) => ({
    entities: fields.list('entities', (totals) => {
      const entity = new MessageFields(totals, `The totals of a manifest's entity`)
      const result = totalsOf(entity)
      entity.end()
      return result
    }),
    consistencyPoint: fields.matching('consistencyPoint', LSN, 'an LSN'),
    snapshot: fields.matching('snapshot', SNAPSHOT, 'a snapshot'),
    closedAt: fields.matching('closedAt', ISO_TIME, 'a time in UTC'),
  }),
  marker: (fields) => ({ name: fields.text('name'), lsn: fields.matching('lsn', LSN, 'an LSN') }),
}

const CONTROLS = Object.keys(readBody) as ControlKind[] // Its type has these keys and no others.

export function checkedControl(fields: MessageFields): Control {
  fields.count('v', 1)
  fields.oneOf('kind', ['control'])
  const epoch = fields.count('epoch', 1)
  const control = fields.oneOf('control', CONTROLS)
  const body = readBody[control](fields)
  fields.end()
  return { v: WIRE_VERSION, kind: 'control', epoch, control, ...body } as Control // The table's type pairs kind and body.
}

function slotOf(fields: MessageFields | null): { name: string; consistentPoint: string } | null {
  if (fields === null) return null
  const slot = { name: fields.text('name'), consistentPoint: fields.matching('consistentPoint', LSN, 'an LSN') }
  fields.end()
  return slot
}

function shapeOf(fields: MessageFields): Shape {
  const shape = {
    entity: fields.text('entity'),
    schema: fields.text('schema'),
    table: fields.text('table'),
    columns: fields.list('columns', (column) => shapeColumnOf(new MessageFields(column, 'A column of a shape'))),
    key: fields.list('key', (name) => (typeof name === 'string' ? name : fields.refuse('has a key that is not text'))),
  }
  const names = new Set(shape.columns.map(({ name }) => name))
  if (names.size !== shape.columns.length) fields.refuse('has two columns of one name')
  if (!shape.key.every((name) => names.has(name))) fields.refuse('has a key that is not among its columns')
  fields.end()
  return shape
}

function shapeColumnOf(fields: MessageFields): ShapeColumn {
  const column = {
    name: fields.text('name'),
    type: fields.text('type'),
    wire: fields.oneOf('wire', WIRE_KINDS),
    nullable: fields.boolean('nullable'),
    secret: fields.boolean('secret'),
  }
  fields.end()
  return column
}

function totalsOf(fields: MessageFields): EntityTotals {
  return {
    entity: fields.text('entity'),
    attempt: fields.count('attempt', 1),
    ...sumsOf(fields),
  }
}

function sumsOf(fields: MessageFields): Pick<EntityTotals, 'rows' | 'pages' | 'bytes' | 'digest'> {
  return {
    rows: fields.count('rows', 0),
    pages: fields.count('pages', 0),
    bytes: fields.count('bytes', 0),
    digest: fields.matching('digest', ROWS_DIGEST, '32 hexadecimal digits'),
  }
}
