import { createHash } from 'node:crypto'
import { type Entity, wireColumns } from '../language/contract-set.ts'
import type { Shape } from './message.ts'

/** 64 bits tell the shapes of one entity apart, and keep each message short. */
const HASH_CHARACTERS = 16

/** The wire shape of an entity: the columns that travel, in order. */
export function shapeOf(entity: Entity): Shape {
  return {
    entity: entity.name,
    schema: entity.schema,
    table: entity.table,
    columns: wireColumns(entity).map(({ name, type, wire, nullable, secret }) => ({
      name,
      type,
      wire,
      nullable,
      secret,
    })),
    key: entity.key,
  }
}

/** The hash by which messages name a shape: the first 16 hexadecimal digits of the SHA-256 of its JSON. */
export function shapeHash(shape: Shape): string {
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, HASH_CHARACTERS)
}
