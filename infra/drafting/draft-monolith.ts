import { Failure } from '../../contracts/failure.ts'
import { type ClaimableTable, divideTables, leftTables } from './claimable-tables.ts'
import { cutoverSql } from './cutover-sql.ts'
import { draftColumns } from './draft-columns.ts'
import { draftIndexes } from './draft-indexes.ts'
import { draftReferences, type Placement } from './draft-references.ts'
import type { Draft, DraftEntity, DraftService } from './draft.ts'
import { nameEntities } from './entity-names.ts'
import { findHurts } from './find-hurts.ts'
import { type GivenService, resolveGivenServices } from './given-services.ts'
import { graphOf } from './monolith-graph.ts'
import type { MonolithFacts } from './monolith-facts.ts'
import { proposeServices } from './propose-services.ts'
import { inOrderOfNeed, nameServices, orderServices, plainName } from './service-names.ts'
import type { TableGraph } from './table-graph.ts'

/**
 * Drafts a contract set: which service could own which table, and every table as the monolith has it. Pure: the same
 * facts give the same draft.
 * @param given services that the operator wants as they are; the others are proposed from what is left.
 * @throws Failure 2 where a given service names a table that is not there; 4 where there is nothing to draft.
 */
export function draftMonolith(facts: MonolithFacts, given: readonly GivenService[]): Draft {
  const { claimable, unclaimed } = divideTables(facts)
  if (claimable.length === 0)
    throw new Failure(
      4,
      `Database ${facts.database} has no table that a contract could claim: see that MONOLITH_DATABASE_URL names the monolith.`,
    )
  const graph = graphOf(claimable)
  const services = orderServices(chooseServices(claimable, graph, given), graph)
  const placement = placeTables(services, claimable)
  const drafted = services.map(([name, ids]) => draftService(name, ids, placement, facts))
  return {
    name: plainName(facts.database, 'own'),
    services: drafted,
    leftBehind: leftTables(unclaimed),
    findings: findHurts({ facts, claimable, unclaimed, placement, services: drafted }),
  }
}

function chooseServices(
  claimable: readonly ClaimableTable[],
  graph: TableGraph,
  given: readonly GivenService[],
): Map<string, readonly string[]> {
  const wanted = resolveGivenServices(given, claimable)
  const owned = new Set([...wanted.values()].flat())
  const rest = {
    tables: graph.tables.filter(({ id }) => !owned.has(id)),
    links: graph.links.filter(({ from, to }) => !owned.has(from) && !owned.has(to)),
  }
  const proposed = nameServices(proposeServices(rest), graph, new Set(wanted.keys()))
  return new Map([...wanted, ...proposed])
}

function placeTables(
  services: readonly (readonly [string, readonly string[]])[],
  claimable: readonly ClaimableTable[],
): Placement {
  const names = nameEntities(claimable)
  const tables = new Map(claimable.map((table) => [table.id, table]))
  return new Map(
    services.flatMap(([service, ids]) =>
      ids.flatMap((id) => {
        const [entity, table] = [names.get(id), tables.get(id)]
        return entity === undefined || table === undefined ? [] : [[id, { service, entity, table }] as const]
      }),
    ),
  )
}

function draftService(name: string, ids: readonly string[], placement: Placement, facts: MonolithFacts): DraftService {
  const entities = ids.flatMap((id) => {
    const placed = placement.get(id)
    return placed === undefined ? [] : [draftEntity(placed.entity, placed.table, placement, facts)]
  })
  const needs = new Map(entities.map((entity) => [entity.name, new Set(entity.references.map(({ to }) => to))]))
  for (const [entity, needed] of needs) needed.delete(entity)
  const byName = new Map(entities.map((entity) => [entity.name, entity]))
  const ordered = inOrderOfNeed([...byName.keys()], needs)
  const tables = ids.flatMap((id) => placement.get(id)?.table ?? [])
  return {
    name,
    entities: ordered.flatMap((entity) => byName.get(entity) ?? []),
    cutoverSql: cutoverSql(name, tables),
  }
}

function draftEntity(name: string, claimed: ClaimableTable, placement: Placement, facts: MonolithFacts): DraftEntity {
  const { schema, table } = claimed.table
  return {
    name,
    schema,
    table,
    columns: draftColumns(claimed, facts),
    key: claimed.key,
    ...draftIndexes(claimed),
    ...draftReferences(claimed, placement),
  }
}
