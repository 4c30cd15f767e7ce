import { createHash } from 'node:crypto'
import type { WireKind } from '../../../contracts/language/column.ts'
import type { ColumnsOf } from '../../../contracts/wire/encode-message.ts'
import {
  ABSENT,
  type ChangeMessage,
  type Control,
  type Message,
  type Page,
  type Part,
  type Shape,
  UNCHANGED,
} from '../../../contracts/wire/message.ts'
import { shapeHash } from '../../../contracts/wire/shape.ts'

const column = (name: string, type: string, wire: WireKind, nullable = false, secret = false) => {
  return { name, type, wire, nullable, secret }
}

/** A shape with a column of every kind. */
export const shape: Shape = {
  entity: 'Thing',
  schema: 'public',
  table: 'Thing table',
  columns: [
    column('id', 'bigint', 'integer'),
    column('read', 'boolean', 'boolean', true),
    column('x', 'double precision', 'float', true),
    column('image', 'bytea', 'binary', true),
    column('name', 'text', 'text', true, true),
  ],
  key: ['id'],
}
const hash = shapeHash(shape)

export const columnsOfShape: ColumnsOf = (entity, of) => {
  if (entity !== shape.entity || of !== hash) throw new Error(`Unknown shape ${of} of ${entity}`)
  return shape.columns
}

const page: Page = {
  v: 1,
  kind: 'page',
  epoch: 1,
  entity: 'Thing',
  shape: hash,
  attempt: 1,
  chunk: 0,
  page: 300,
  firstCtid: '(0,1)',
  lastCtid: '(4294967295,65535)',
  rows: [
    [1, true, 1, new Uint8Array(0), 'plain'],
    [-9_007_199_254_740_991, false, -0, Uint8Array.of(0, 255), '\uFEFF\\N\t\n'],
    ['9223372036854775807', null, Number.NaN, null, ''],
    ['-9223372036854775808', null, Number.POSITIVE_INFINITY, null, null],
    [4_294_967_296, null, 5e-324, null, 'é𝕊'.repeat(60)],
  ],
}

const [UUID, NIL_UUID] = ['0190a5f8-7c1e-7b3a-9f00-a0b1c2d3e4ff', '00000000-0000-0000-0000-000000000000']

/** UUIDs travel as their bytes, and as text where they are spelled in another way. */
const pageOfUuids: Page = {
  ...page,
  rows: [UUID, NIL_UUID, UUID.toUpperCase(), `${UUID}\n`, UUID.replaceAll('-', '')].map((text, index) => {
    return [index, null, null, null, text]
  }),
}

const change: ChangeMessage = {
  v: 1,
  kind: 'change',
  epoch: 2,
  runs: [
    {
      entity: 'Thing',
      shape: hash,
      lsn: '0/16B3748',
      xid: '4294967300',
      committedAt: 1_700_000_000_123_456,
      last: true,
      changes: [
        [0, 'I', [1, true, 2, null, 'new']],
        [1, 'U', [1, false, 2.5, UNCHANGED, 'changed'], null],
        [2, 'U', [2, false, 2.5, UNCHANGED, 'moved'], [1, ABSENT, ABSENT, ABSENT, ABSENT]],
        [3, 'D', [2, ABSENT, ABSENT, ABSENT, ABSENT]],
      ],
    },
    {
      entity: 'Thing',
      shape: hash,
      lsn: '0/16B3800',
      xid: '4294967301',
      committedAt: 1_700_000_000_123_457,
      last: true,
      changes: [[0, 'T', { cascade: true, restartIdentity: false }]],
    },
  ],
}

const changeOfUuids: ChangeMessage = {
  ...change,
  runs: change.runs.slice(0, 1).map((run) => ({ ...run, changes: [[0, 'U', [1, null, null, null, UUID], null]] })),
}

const part: Part = {
  v: 1,
  kind: 'part',
  id: '1/Thing/1/0/300',
  index: 0,
  count: 2,
  digest: new Uint8Array(createHash('sha256').update('whole').digest()),
  bytes: new Uint8Array(Buffer.from('who')),
}

const totals = { entity: 'Thing', attempt: 1, rows: 5, pages: 1, bytes: 4096, digest: '00ff'.repeat(8) }
const base = { v: 1, kind: 'control', epoch: 1 } as const

export const controls: readonly Control[] = [
  {
    ...base,
    control: 'epoch',
    contractSet: 'archimodeler',
    service: 'modeling',
    systemId: '7300000000000000001',
    timeline: 1,
    database: 'monolith',
    slot: { name: 'scission_archimodeler', consistentPoint: '0/16B3748' },
    startedAt: '2025-01-31T12:00:00.000Z',
  },
  { ...base, control: 'contract', hash, shape },
  {
    ...base,
    control: 'attempt',
    entity: 'Thing',
    shape: hash,
    attempt: 1,
    snapshot: '750:754:751,753',
    consistencyPoint: '0/16B3748',
    blocks: 32_769,
    chunks: 4,
  },
  {
    ...base,
    control: 'chunk',
    entity: 'Thing',
    attempt: 1,
    chunk: 3,
    rows: 2,
    pages: 1,
    bytes: 1024,
    digest: 'ff00'.repeat(8),
  },
  { ...base, control: 'complete', ...totals },
  {
    ...base,
    control: 'manifest',
    entities: [totals],
    consistencyPoint: 'A/0',
    snapshot: '750:750:',
    closedAt: '2025-01-31T12:00:01.5Z',
  },
  { ...base, control: 'marker', name: 'before lunch', lsn: '0/16B3900' },
]

/** Messages of each kind, by the names of their golden files. */
export const messages: Readonly<Record<string, Message>> = {
  page,
  'page-of-uuids': pageOfUuids,
  change,
  'change-of-uuids': changeOfUuids,
  part,
  ...Object.fromEntries(controls.map((control) => [`control-${control.control}`, control])),
}
