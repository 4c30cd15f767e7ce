import type pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { tableOf } from '../infra/catalog/catalog.ts'
import { readCatalog } from '../infra/catalog/read-catalog.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { codeOf, inTransaction } from '../infra/postgres/session.ts'
import { type Difference, structureDifferences } from '../infra/service-database/compare-contract.ts'
import { createIndexSql, createKeySql, createReferenceSql } from '../infra/service-database/ddl.ts'
import type { ConsumerEvent } from './events.ts'
import type { LoaderPool } from './loader-pool.ts'
import { putBack, readSetAside } from './set-aside.ts'

export interface Building {
  readonly leader: pg.Client
  readonly loaders: LoaderPool
  readonly service: Service
  readonly report: (event: ConsumerEvent) => void
}

type Kind = Extract<ConsumerEvent, { type: 'object-built' }>['kind']

/**
 * Gives the loaded tables what belongs to them: first what was set aside, as it was; then what the contract has and the
 * tables lack. Indexes come before foreign keys, which rest on them. Every object is one transaction, and what is there
 * is seen in the catalog, so that a crash repeats at most the objects that were under way.
 */
export async function buildObjects(building: Building): Promise<void> {
  await putBackAll(building, ['index', 'constraint'])
  await buildMissing(building, ['key missing', 'index missing'])
  await putBackAll(building, ['foreign key'])
  await buildMissing(building, ['foreign key missing'])
  for (const entity of building.service.entities) {
    await advanceSequences(building.leader, entity)
    // The planner knows nothing of a table that was just loaded.
    await building.leader.query(`ANALYZE ${tableSql(entity)}`)
  }
}

async function putBackAll({ leader, loaders, service, report }: Building, kinds: readonly string[]): Promise<void> {
  const objects = (await readSetAside(leader)).filter(({ kind }) => kinds.includes(kind))
  for (const { ordinal, entity, kind, name } of objects) {
    await loaders.run(async (client) => {
      await inTransaction(client, 'BEGIN', async () => await putBack(client, ordinal))
      report({ type: 'object-built', service: service.name, entity, kind: kind === 'constraint' ? 'key' : kind, name })
    })
    if (kind === 'foreign key') await loaders.drain()
  }
  await loaders.drain()
}

async function buildMissing(building: Building, kinds: readonly Difference['kind'][]): Promise<void> {
  const { leader, loaders, report, service } = building
  const catalog = await readCatalog(leader, service.entities, { rows: false })
  for (const entity of service.entities)
    for (const difference of structureDifferences(service, entity, tableOf(catalog, entity))) {
      const object = kinds.includes(difference.kind) ? objectSql(service, entity, difference) : null
      if (object === null) continue
      await loaders.run(async (client) => {
        await build(client, service, object.sql)
        report({
          type: 'object-built',
          service: service.name,
          entity: entity.name,
          kind: object.kind,
          name: object.name,
        })
      })
      // Two foreign keys at once lock two tables each, and may lock them in opposite orders.
      if (object.kind === 'foreign key') await loaders.drain()
    }
  await loaders.drain()
}

/**
 * Runs a statement that builds an index or a key.
 * @throws Failure 4 where the rows do not allow it, for example a foreign key in a monolith that had it NOT VALID.
 */
export async function build(client: pg.Client, service: Service, sql: string): Promise<void> {
  try {
    await client.query(sql)
  } catch (cause) {
    if (!codeOf(cause).startsWith('23')) throw cause
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new Failure(
      4,
      `Service ${service.name}: the loaded rows do not allow "${sql}" (${said}): mend the contract or the monolith's rows, then publish --new-epoch.`,
      { cause },
    )
  }
}

/** The statement that makes what the contract has and the table lacks. */
export function objectSql(
  service: Service,
  entity: Entity,
  { kind, name }: Difference,
): { readonly sql: string; readonly kind: Kind; readonly name: string } | null {
  if (kind === 'key missing') return { sql: createKeySql(entity), kind: 'key', name: entity.keyName }
  const index = entity.indexes.find((candidate) => candidate.name === name)
  if (kind === 'index missing' && index) return { sql: createIndexSql(entity, index), kind: 'index', name: index.name }
  const reference = entity.references.find((candidate) => candidate.name === name)
  if (kind === 'foreign key missing' && reference)
    return { sql: createReferenceSql(service, entity, reference), kind: 'foreign key', name: reference.name }
  return null
}

/** COPY does not move a sequence: the service's first own insert would meet a number that is taken. */
async function advanceSequences(client: pg.Client, entity: Entity): Promise<void> {
  for (const { name } of entity.columns.filter(({ identity }) => identity !== undefined))
    await client.query(
      `SELECT setval(pg_get_serial_sequence($1, $2)::regclass, greatest(max(${quoteIdentifier(name)}), 1), max(${quoteIdentifier(name)}) IS NOT NULL)
         FROM ONLY ${tableSql(entity)}`,
      [tableSql(entity), name],
    )
}
