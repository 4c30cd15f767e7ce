import type { Service } from '../../contracts/language/contract-set.ts'
import {
  createIndexSql,
  createKeySql,
  createReferenceSql,
  createSchemaSql,
  createTableSql,
  createTypeSql,
} from '../service-database/ddl.ts'
import { schemaOfType } from '../service-database/type-schema.ts'

/**
 * The DDL of a service's database as `prepare` and a consumer make it: types, tables, keys, indexes and foreign keys,
 * without rows. What crosses to other services is in none of it.
 */
export function serviceDdl(service: Service): string {
  const { entities, types } = service
  const statements = [
    ...schemasOf(service).map(createSchemaSql),
    ...types.map(createTypeSql),
    ...entities.map(createTableSql),
    ...entities.map(createKeySql),
    ...entities.flatMap((entity) => entity.indexes.map((index) => createIndexSql(entity, index))),
    ...entities.flatMap((entity) =>
      entity.references.map((reference) => createReferenceSql(service, entity, reference)),
    ),
  ]
  const title = `-- The tables of service ${service.name}, as its contract has them.`
  return [title, 'SET search_path = pg_catalog;', ...statements.map((sql) => `${sql};`), ''].join('\n\n')
}

/** Every database has `public`. */
function schemasOf({ entities, types }: Service): string[] {
  const ofTypes = types.flatMap(({ name }) => schemaOfType(name) ?? [])
  return [...new Set([...entities.map(({ schema }) => schema), ...ofTypes])].filter((schema) => schema !== 'public')
}
