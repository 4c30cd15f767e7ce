import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableOf } from '../catalog/catalog.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { MonolithState, PreflightContext, ServiceState } from './context.ts'
import { errorFinding, type Finding, MONOLITH, serviceSubject } from './finding.ts'

const CHECK = 'privileges'

/** Manual: "CREATE ROLE", REPLICATION. */
export function roleMayReplicate({ withSlot, monolith }: PreflightContext): Finding[] {
  if (!withSlot || monolith === null || monolith.server.mayReplicate) return []
  const role = quoteIdentifier(monolith.server.role)
  return [
    errorFinding(
      CHECK,
      MONOLITH,
      `Role ${role} may not create a slot.`,
      `ALTER ROLE ${role} REPLICATION, or use --no-slot with a planned downtime.`,
    ),
  ]
}

export function monolithCanBeRead({ deployment, monolith }: PreflightContext): Finding[] {
  if (monolith === null) return []
  const role = quoteIdentifier(monolith.server.role)
  const closed = [...monolith.schemas.values()].filter(({ mayUse }) => !mayUse).map(({ name }) => name)
  const unread = deployment.set.services
    .flatMap(({ entities }) => entities)
    .filter(({ schema }) => !closed.includes(schema))
    .filter((entity) => tableOf(monolith.catalog, entity)?.readable === false)
  return [
    ...closed.map((name) =>
      errorFinding(
        CHECK,
        MONOLITH,
        `Role ${role} may not use schema ${quoteIdentifier(name)}.`,
        `GRANT USAGE ON SCHEMA ${quoteIdentifier(name)} TO ${role}.`,
      ),
    ),
    ...unread.map((entity) =>
      errorFinding(
        CHECK,
        MONOLITH,
        `Role ${role} may not read table ${tableSql(entity)}.`,
        `GRANT SELECT ON ${tableSql(entity)} TO ${role}.`,
      ),
    ),
  ]
}

/** Only a table's owner may publish it or set its replica identity. Manual: "CREATE PUBLICATION". */
export function monolithCanBePrepared(context: PreflightContext): Finding[] {
  const { deployment, monolith, withSlot } = context
  if (!withSlot || monolith === null) return []
  const role = quoteIdentifier(monolith.server.role)
  const foreign = deployment.set.services
    .flatMap(({ entities }) => entities)
    .filter((entity) => tableOf(monolith.catalog, entity)?.owned === false)
  return [
    ...mayNotCreate(monolith, role),
    ...foreign.map((entity) =>
      errorFinding(
        CHECK,
        MONOLITH,
        `Role ${role} does not own table ${tableSql(entity)}, and only its owner may publish it.`,
        `GRANT the owner's role to ${role}, or use --no-slot with a planned downtime.`,
      ),
    ),
  ]
}

function mayNotCreate({ server }: MonolithState, role: string): Finding[] {
  if (server.mayCreateInDatabase) return []
  const database = quoteIdentifier(server.database)
  return [
    errorFinding(
      CHECK,
      MONOLITH,
      `Role ${role} may create neither a publication nor a schema in database ${server.database}.`,
      `GRANT CREATE ON DATABASE ${database} TO ${role}, or use --no-slot with a planned downtime.`,
    ),
  ]
}

/** What `prepare` makes in a service's database needs a right to make it, and loading owns what it sets aside. */
export function servicesCanBePrepared({ services }: PreflightContext): Finding[] {
  return services.flatMap((state) => [...missingSchemas(state), ...closedSchemas(state), ...foreignTables(state)])
}

function missingSchemas({ service, server, schemas }: ServiceState): Finding[] {
  const missing = ['scission', ...new Set(service.entities.map(({ schema }) => schema))].filter(
    (name) => !schemas.has(name),
  )
  if (server.mayCreateInDatabase || missing.length === 0) return []
  const role = quoteIdentifier(server.role)
  return [
    errorFinding(
      CHECK,
      serviceSubject(service),
      `Role ${role} may not create ${missing.map((name) => `schema ${quoteIdentifier(name)}`).join(', ')} in database ${server.database}.`,
      `GRANT CREATE ON DATABASE ${quoteIdentifier(server.database)} TO ${role}.`,
    ),
  ]
}

function closedSchemas(state: ServiceState): Finding[] {
  const { service, server, schemas } = state
  const role = quoteIdentifier(server.role)
  const toMake = service.entities.filter((entity) => tableOf(state.catalog, entity) === undefined)
  return schemasOf(toMake)
    .filter((name) => schemas.get(name)?.mayCreate === false)
    .map((name) =>
      errorFinding(
        CHECK,
        serviceSubject(service),
        `Role ${role} may not create tables in schema ${quoteIdentifier(name)}.`,
        `GRANT CREATE, USAGE ON SCHEMA ${quoteIdentifier(name)} TO ${role}.`,
      ),
    )
}

function foreignTables({ service, server, catalog }: ServiceState): Finding[] {
  const role = quoteIdentifier(server.role)
  return service.entities
    .filter((entity) => tableOf(catalog, entity)?.owned === false)
    .map((entity) =>
      errorFinding(
        CHECK,
        serviceSubject(service),
        `Role ${role} does not own table ${tableSql(entity)}, whose indexes are set aside while it is loaded.`,
        `GRANT the owner's role to ${role}.`,
      ),
    )
}

function schemasOf(entities: readonly Entity[]): string[] {
  return [...new Set(entities.map(({ schema }) => schema))]
}
