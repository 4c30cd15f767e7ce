import type pg from 'pg'
import { schemaOfType } from '../service-database/type-schema.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { readPresentTypes, readSchemas, type ServerFacts } from '../catalog/read-server.ts'
import { readServiceRecord } from '../service-database/read-state.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { ServiceState } from './context.ts'
import type { ServiceDatabase } from './deployment.ts'

/** Reads what the checks, and `prepare`, need of a service's database. Tables are looked into for a first row. */
export async function observeService(
  session: pg.Client,
  server: ServerFacts,
  { service, database }: ServiceDatabase,
): Promise<ServiceState> {
  return {
    service,
    database,
    session,
    server,
    catalog: await readCatalog(session, service.entities),
    schemas: await readSchemas(session, [...neededSchemas(service), 'scission']),
    presentTypes: await readPresentTypes(
      session,
      service.types.map(({ name }) => name),
    ),
    record: await readServiceRecord(session),
  }
}

/** The schemas of a service's tables and types, each once. */
export function neededSchemas(service: Service): string[] {
  const ofTypes = service.types.flatMap(({ name }) => schemaOfType(name) ?? [])
  return [...new Set([...service.entities.map(({ schema }) => schema), ...ofTypes])]
}
