import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'

/**
 * The schemas of a replay. A shadow table bears the name of the table in use in another schema, so that indexes and
 * constraints, whose names live in their table's schema, keep theirs, and a swap is a change of schemas.
 */
export interface ReplaySchemas {
  readonly live: string
  /** Where the table is rebuilt. */
  readonly shadow: string
  /** Where the table that was in use goes. */
  readonly replaced: string
}

/** A service whose tables are the shadows: everything that reads or writes a service's tables can be given it. */
export interface Shadow {
  readonly service: Service
  readonly schemas: readonly ReplaySchemas[]
}

/** The shadow of a service. The schemas are numbered in the order of the live ones' names. */
export function shadowOf(service: Service): Shadow {
  const lives = [...new Set(service.entities.map(({ schema }) => schema))].toSorted()
  const schemas = lives.map((live, index) => ({
    live,
    shadow: `scission_replay_${index + 1}`,
    replaced: `scission_replaced_${index + 1}`,
  }))
  const entities = service.entities.map((entity) => ({ ...entity, schema: schemasOf(schemas, entity).shadow }))
  return { service: { ...service, entities }, schemas }
}

/** An entity's table in its three places, each as `schema.table`, quoted. */
export interface Places {
  readonly entity: Entity
  readonly schemas: ReplaySchemas
  readonly live: string
  readonly shadow: string
  readonly replaced: string
}

export function placesOf(service: Service, { schemas }: Shadow): Places[] {
  return service.entities.map((entity) => {
    const own = schemasOf(schemas, entity)
    const at = (schema: string): string => tableSql({ schema, table: entity.table })
    return { entity, schemas: own, live: at(own.live), shadow: at(own.shadow), replaced: at(own.replaced) }
  })
}

function schemasOf(schemas: readonly ReplaySchemas[], { schema, name }: Entity): ReplaySchemas {
  const found = schemas.find(({ live }) => live === schema)
  if (found === undefined) throw new Error(`Entity ${name} has no shadow schema for ${schema}`)
  return found
}
