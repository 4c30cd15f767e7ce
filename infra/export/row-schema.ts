import { unreachable } from '../../contracts/failure.ts'
import {
  type ContractColumn,
  type ContractSet,
  type Entity,
  type Service,
  wireColumns,
} from '../../contracts/language/contract-set.ts'
import { subjectToken } from '../../contracts/subjects.ts'
import { ABSENT_EXTENSION, UNCHANGED_EXTENSION, UUID_EXTENSION } from '../../contracts/wire/message.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/** A JSON Schema, as the object that it is. https://json-schema.org/draft/2020-12 */
export type JsonSchema = { readonly [keyword: string]: unknown }

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** The two states of a value beside a value and null. */
const MARKERS = {
  unchanged: marker('unchanged', UNCHANGED_EXTENSION, 'A value that an update did not touch, and that was not sent.'),
  absent: marker('absent', ABSENT_EXTENSION, 'A value that is not carried.'),
}

function marker(state: string, extension: number, description: string): JsonSchema {
  return {
    type: 'object',
    properties: { state: { const: state } },
    required: ['state'],
    description,
    $comment: `msgpack extension type ${extension}, without a body.`,
  }
}

/** The least and the greatest value of PostgreSQL's integer types. Manual: "Numeric Types". */
const INTEGER_RANGES: Readonly<Record<string, readonly [number, number]>> = {
  smallint: [-32_768, 32_767],
  integer: [-2_147_483_648, 2_147_483_647],
}

/**
 * The schema of an entity's rows as they stand in a page: the values of the columns that travel, in order. With it, as
 * definitions, those of a change's new row, in which a value may be untouched, and of its old one, in which it may be
 * left out.
 */
export function rowSchema(set: ContractSet, service: Service, entity: Entity): JsonSchema {
  const columns = wireColumns(entity)
  const tuple = (items: readonly JsonSchema[]): JsonSchema => ({
    type: 'array',
    prefixItems: items,
    items: false,
    minItems: items.length,
  })
  const withMarkers = (...markers: readonly string[]): JsonSchema =>
    tuple(
      columns.map((_, place) => ({
        anyOf: [{ $ref: `#/prefixItems/${place}` }, ...markers.map((name) => ({ $ref: `#/$defs/${name}` }))],
      })),
    )
  return {
    $schema: DIALECT,
    $id: `urn:scission:${set.name}:${service.name}:${subjectToken(entity.name)}`,
    title: entity.name,
    description: `A row of ${tableSql(entity)} as it stands in a page: the values of its columns, in this order. Shape ${shapeHash(shapeOf(entity))}; key ${entity.key.join(', ')}.`,
    ...tuple(columns.map(columnSchema)),
    $comment: `A text that is a UUID travels as its 16 bytes, msgpack extension type ${UUID_EXTENSION}; in JSON it is the text.`,
    $defs: { ...MARKERS, changedRow: withMarkers('unchanged'), oldRow: withMarkers('absent') },
  }
}

function columnSchema(column: ContractColumn): JsonSchema {
  const { name, type, nullable, secret, note } = column
  const said = [type, ...(secret ? ['a secret'] : []), ...(note === undefined ? [] : [note])]
  return {
    title: name,
    description: said.join('; '),
    ...(nullable ? orNull(valueSchema(column)) : valueSchema(column)),
  }
}

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] }
}

/** How a value travels; see docs/wire-format.md. What JSON cannot hold is said in comments. */
function valueSchema(column: ContractColumn): JsonSchema {
  switch (column.wire) {
    case 'boolean':
      return { type: 'boolean' }
    case 'integer':
      return integerSchema(column.type)
    case 'float':
      return { type: 'number', $comment: 'A msgpack float 64, which may be NaN, Infinity, -Infinity and -0.' }
    case 'binary':
      return { type: 'string', contentEncoding: 'base64', $comment: 'msgpack bin; in JSON its base64.' }
    case 'text':
      return textSchema(column)
    default:
      return unreachable(column.wire)
  }
}

/** An integer that a double does not hold exactly travels as its digits. */
function integerSchema(type: string): JsonSchema {
  const [minimum, maximum] = INTEGER_RANGES[type] ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  const exact = { type: 'integer', minimum, maximum }
  return type in INTEGER_RANGES ? exact : { anyOf: [exact, { type: 'string', pattern: '^-?\\d{16,19}$' }] }
}

const VARYING = /^character varying\((\d+)\)$/

/** PostgreSQL's text of a value, under the settings of every session. */
function textSchema({ type, requires }: ContractColumn): JsonSchema {
  const labels = requires.find((definition) => definition.name === type)?.labels
  if (labels !== undefined) return { enum: [...labels] }
  const [, length] = VARYING.exec(type) ?? []
  if (length !== undefined) return { type: 'string', maxLength: Number(length) }
  if (type === 'uuid') return { type: 'string', format: 'uuid' }
  if (type === 'json' || type === 'jsonb') return { type: 'string', contentMediaType: 'application/json' }
  return { type: 'string' }
}
