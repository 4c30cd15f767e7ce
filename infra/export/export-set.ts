import type { ContractSet } from '../../contracts/language/contract-set.ts'
import { asyncApiDocument, type AsyncApiSource, SCHEMAS_FOLDER } from './asyncapi.ts'
import { crossReferences, crossReferencesPage } from './cross-references.ts'
import { entityFileNames } from './entity-files.ts'
import { type ExportedFile, jsonFile } from './exported-file.ts'
import { messageSchemas } from './message-schemas.ts'
import { natsPermissions } from './nats-permissions.ts'
import { rowSchema } from './row-schema.ts'
import { serviceDdl } from './service-ddl.ts'
import { monolithRoleSql, serviceRoleSql } from './sql-roles.ts'

/** Everything that follows from a contract set and a prefix, as files. Pure: the same set gives the same files. */
export function exportSet(source: AsyncApiSource): ExportedFile[] {
  const { set, prefix } = source
  return [
    jsonFile('asyncapi.json', asyncApiDocument(source)),
    ...schemaFiles(set),
    jsonFile('cross-references.json', crossReferences(set)),
    { path: 'cross-references.md', text: crossReferencesPage(set) },
    { path: 'nats-permissions.conf', text: natsPermissions(source) },
    { path: 'roles/monolith.sql', text: monolithRoleSql(set, prefix) },
    ...set.services.map((service) => ({
      path: `roles/${service.name}.sql`,
      text: serviceRoleSql(service, prefix),
    })),
    ...set.services.map((service) => ({ path: `ddl/${service.name}.sql`, text: serviceDdl(service) })),
  ]
}

function schemaFiles(set: ContractSet): ExportedFile[] {
  return [
    jsonFile(`${SCHEMAS_FOLDER}/messages.json`, messageSchemas(set.name)),
    ...set.services.flatMap((service) => {
      const files = entityFileNames(service)
      return service.entities.map((entity) =>
        jsonFile(
          `${SCHEMAS_FOLDER}/${service.name}/${files.get(entity.name) ?? entity.name}.json`,
          rowSchema(set, service, entity),
        ),
      )
    }),
  ]
}
