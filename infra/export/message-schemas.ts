import {
  CONTENT_TYPE,
  CONTENT_TYPE_HEADER,
  EPOCH_HEADER,
  NUMBER_HEADER,
  TRACE_HEADER,
  WRITER_HEADER,
} from '../../contracts/wire/headers.ts'
import { WIRE_VERSION } from '../../contracts/wire/message.ts'
import { DIALECT, type JsonSchema } from './row-schema.ts'

const COUNT = { type: 'integer', minimum: 0 }
const NUMBER = { type: 'integer', minimum: 1 }
const TEXT = { type: 'string' }
const MOMENT = { type: 'string', description: 'ISO 8601, UTC.' }
const POSITION = { type: 'string', pattern: '^[0-9A-F]{1,8}/[0-9A-F]{1,8}$', description: 'A position in the WAL.' }
const PLACE = { type: 'string', pattern: '^\\(\\d+,\\d+\\)$', description: "A row's place in the monolith's table." }
const BYTES = { type: 'string', contentEncoding: 'base64', $comment: 'msgpack bin; in JSON its base64.' }
const ROW = { type: 'array' }

/** An object that may have more properties in later versions. */
function objectOf(properties: JsonSchema): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) }
}

function message(kind: string, properties: JsonSchema): JsonSchema {
  return objectOf({ v: { const: WIRE_VERSION }, kind: { const: kind }, ...properties })
}

function control(kind: string, properties: JsonSchema): JsonSchema {
  return message('control', { epoch: NUMBER, control: { const: kind }, ...properties })
}

const TOTALS = { entity: TEXT, attempt: NUMBER, rows: COUNT, pages: COUNT, bytes: COUNT, digest: TEXT }

const SHAPE = objectOf({
  entity: TEXT,
  schema: TEXT,
  table: TEXT,
  columns: {
    type: 'array',
    items: objectOf({
      name: TEXT,
      type: TEXT,
      wire: { enum: ['boolean', 'integer', 'float', 'binary', 'text'] },
      nullable: { type: 'boolean' },
      secret: { type: 'boolean' },
    }),
  },
  key: { type: 'array', items: TEXT },
})

const CHANGE = {
  description: "The ordinal in the service's transaction, what was done, and rows.",
  oneOf: [
    tuple([COUNT, { const: 'I' }, ROW]),
    tuple([COUNT, { const: 'U' }, ROW, { anyOf: [ROW, { type: 'null' }] }]),
    tuple([COUNT, { const: 'D' }, ROW]),
    tuple([COUNT, { const: 'T' }, objectOf({ cascade: { type: 'boolean' }, restartIdentity: { type: 'boolean' } })]),
  ],
}

function tuple(items: readonly JsonSchema[]): JsonSchema {
  return { type: 'array', prefixItems: items, items: false, minItems: items.length }
}

/** Everything in a message but the rows of an entity, as definitions; see docs/wire-format.md. */
export function messageSchemas(setName: string): JsonSchema {
  return {
    $schema: DIALECT,
    $id: `urn:scission:${setName}:messages`,
    title: 'What the messages of the log have in common',
    $defs: {
      page: message('page', {
        epoch: NUMBER,
        entity: TEXT,
        shape: TEXT,
        attempt: NUMBER,
        chunk: COUNT,
        page: COUNT,
        firstCtid: PLACE,
        lastCtid: PLACE,
        rows: { type: 'array', items: ROW },
      }),
      change: message('change', {
        epoch: NUMBER,
        runs: {
          type: 'array',
          items: objectOf({
            entity: TEXT,
            shape: TEXT,
            lsn: POSITION,
            xid: { type: 'string', pattern: '^\\d+$' },
            committedAt: { type: 'integer', description: 'Microseconds since 1970-01-01 UTC.' },
            last: { type: 'boolean' },
            changes: { type: 'array', items: CHANGE },
          }),
        },
      }),
      part: message('part', { id: TEXT, index: COUNT, count: NUMBER, digest: BYTES, bytes: BYTES }),
      ...controlSchemas(),
      headers: headersSchema(),
    },
  }
}

function controlSchemas(): JsonSchema {
  return {
    epoch: control('epoch', {
      contractSet: TEXT,
      service: TEXT,
      systemId: TEXT,
      timeline: NUMBER,
      database: TEXT,
      slot: { anyOf: [objectOf({ name: TEXT, consistentPoint: POSITION }), { type: 'null' }] },
      startedAt: MOMENT,
    }),
    contract: control('contract', { hash: TEXT, shape: SHAPE }),
    attempt: control('attempt', {
      entity: TEXT,
      shape: TEXT,
      attempt: NUMBER,
      snapshot: TEXT,
      consistencyPoint: POSITION,
      blocks: COUNT,
      chunks: NUMBER,
    }),
    chunk: control('chunk', {
      entity: TEXT,
      attempt: NUMBER,
      chunk: COUNT,
      rows: COUNT,
      pages: COUNT,
      bytes: COUNT,
      digest: TEXT,
    }),
    complete: control('complete', TOTALS),
    manifest: control('manifest', {
      entities: { type: 'array', items: objectOf(TOTALS) },
      consistencyPoint: POSITION,
      snapshot: TEXT,
      closedAt: MOMENT,
    }),
    marker: control('marker', { name: TEXT, lsn: POSITION }),
  }
}

/** NATS headers are text. */
function headersSchema(): JsonSchema {
  return {
    type: 'object',
    properties: {
      [WRITER_HEADER]: { type: 'string', description: 'Who wrote the message: one id for each run of the publisher.' },
      [EPOCH_HEADER]: { type: 'string', pattern: '^\\d+$', description: 'The epoch, from 1.' },
      [NUMBER_HEADER]: {
        type: 'string',
        pattern: '^\\d+$',
        description: 'The number of the message in its stream and epoch, from 1, without a hole.',
      },
      [CONTENT_TYPE_HEADER]: { const: CONTENT_TYPE },
      [TRACE_HEADER]: { type: 'string', description: 'W3C Trace Context.' },
    },
    required: [WRITER_HEADER, EPOCH_HEADER, NUMBER_HEADER, CONTENT_TYPE_HEADER],
  }
}
