import pg from 'pg'
import { Failure } from '../contracts/failure.ts'
import type { Entity, Service } from '../contracts/language/contract-set.ts'
import { crashPoint } from '../infra/crash-point.ts'
import { tableOf } from '../infra/catalog/catalog.ts'
import { readCatalog } from '../infra/catalog/read-catalog.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { inTransaction } from '../infra/postgres/session.ts'
import { type Difference, structureDifferences } from '../infra/service-database/compare-contract.ts'
import { createIndexSql, createKeySql, createReferenceSql } from '../infra/service-database/ddl.ts'
import { advanceSequences } from './advance-sequences.ts'
import type { ConsumerEvent } from './events.ts'
import type { LoaderPool } from './loader-pool.ts'
import { putBack, readSetAside, type SetAside } from './set-aside.ts'

export interface Building {
  readonly leader: pg.Client
  readonly loaders: LoaderPool
  readonly service: Service
  readonly report: (event: ConsumerEvent) => void
}

type Kind = Extract<ConsumerEvent, { type: 'object-built' }>['kind']

/** One object that is to be built, in a transaction of its own. */
interface Task {
  readonly entity: string
  readonly kind: Kind
  readonly name: string
  readonly build: (client: pg.Client) => Promise<unknown>
}

/**
 * Gives the loaded tables what belongs to them: first what was set aside, as it was; then what the contract has and the
 * tables lack. Indexes come before foreign keys, which rest on them. Every object is one transaction, and what is there
 * is seen in the catalog, so that a crash repeats at most the objects that were under way.
 * @throws Failure 4 where the rows do not allow an object, for example a foreign key that the monolith had NOT VALID.
 */
export async function buildObjects(building: Building): Promise<void> {
  const { leader, loaders, service } = building
  await buildAll(building, await tasksOfSetAside(leader, ['index', 'constraint']))
  await buildAll(building, await tasksOfContract(leader, service, ['key missing', 'index missing']))
  await buildAll(building, await tasksOfSetAside(leader, ['foreign key']))
  await buildAll(building, await tasksOfContract(leader, service, ['foreign key missing']))
  for (const entity of service.entities)
    await loaders.run(async (client) => {
      await advanceSequences(client, entity)
      // The planner knows nothing of a table that was just loaded.
      await client.query(`ANALYZE ${tableSql(entity)}`)
    })
  await loaders.drain()
}

async function buildAll({ loaders, report, service }: Building, tasks: readonly Task[]): Promise<void> {
  for (const { entity, kind, name, build } of spreadOverTables(tasks)) {
    await loaders.run(async (client) => {
      try {
        await inTransaction(client, 'BEGIN', async () => await build(client))
      } catch (cause) {
        throw buildFailure(service, { entity, kind, name }, cause)
      }
      crashPoint('consume-object-built')
      report({ type: 'object-built', service: service.name, entity, kind, name })
    })
    // Two foreign keys at once lock two tables each, and may lock them in opposite orders.
    if (kind === 'foreign key') await loaders.drain()
  }
  await loaders.drain()
}

/** The first object of each table, then the second of each, and so on: one table's builds may have to wait for each other. */
export function spreadOverTables<Built extends Pick<Task, 'entity'>>(tasks: readonly Built[]): Built[] {
  const counts = new Map<string, number>()
  const placed = tasks.map((task) => {
    const place = counts.get(task.entity) ?? 0
    counts.set(task.entity, place + 1)
    return { task, place }
  })
  return placed.sort((left, right) => left.place - right.place).map(({ task }) => task)
}

async function tasksOfSetAside(leader: pg.Client, kinds: readonly SetAside['kind'][]): Promise<Task[]> {
  const objects = (await readSetAside(leader)).filter(({ kind }) => kinds.includes(kind))
  return objects.map((object) => ({
    entity: object.entity,
    kind: object.kind === 'constraint' ? 'key' : object.kind,
    name: object.name,
    build: async (client) => await putBack(client, object),
  }))
}

async function tasksOfContract(
  leader: pg.Client,
  service: Service,
  kinds: readonly Difference['kind'][],
): Promise<Task[]> {
  const catalog = await readCatalog(leader, service.entities, { rows: false })
  return service.entities.flatMap((entity) =>
    structureDifferences(service, entity, tableOf(catalog, entity)).flatMap((difference) => {
      const object = kinds.includes(difference.kind) ? objectSql(service, entity, difference) : null
      if (object === null) return []
      const { sql, kind, name } = object
      return [{ entity: entity.name, kind, name, build: async (client: pg.Client) => await client.query(sql) }]
    }),
  )
}

/** The statement that makes what the contract has and the table lacks. */
export function objectSql(
  service: Service,
  entity: Entity,
  { kind, name }: Pick<Difference, 'kind' | 'name'>,
): { readonly sql: string; readonly kind: Kind; readonly name: string } | null {
  if (kind === 'key missing') return { sql: createKeySql(entity), kind: 'key', name: entity.keyName }
  const index = entity.indexes.find((candidate) => candidate.name === name)
  if (kind === 'index missing' && index) return { sql: createIndexSql(entity, index), kind: 'index', name: index.name }
  const reference = entity.references.find((candidate) => candidate.name === name)
  if (kind === 'foreign key missing' && reference)
    return { sql: createReferenceSql(service, entity, reference), kind: 'foreign key', name: reference.name }
  return null
}

/** SQLSTATE classes by which the rows are at fault: a constraint that they break, a value that an expression refuses. */
const ROWS_AT_FAULT = /^(22|23|54)/

function buildFailure(service: Service, { entity, kind, name }: Omit<Task, 'build'>, cause: unknown): unknown {
  if (!(cause instanceof pg.DatabaseError) || cause.code === undefined) return cause
  const { code, message } = cause
  const object = `${kind} ${JSON.stringify(name)} of ${entity}`
  const secret = service.entities
    .find((candidate) => candidate.name === entity)
    ?.columns.some((column) => column.secret)
  if (ROWS_AT_FAULT.test(code))
    return new Failure(
      4,
      `Service ${service.name}: the loaded rows do not allow the ${object} (${secret === true && code.startsWith('22') ? `SQLSTATE ${code}` : message}): mend the monolith's rows or the contract, then publish --new-epoch.`,
      { cause },
    )
  // Class 42: the statement itself, for example a name that is taken.
  if (!code.startsWith('42')) return cause
  return new Failure(
    4,
    `Service ${service.name}: the ${object} cannot be built (${message}): put that right, then run consume again.`,
    { cause },
  )
}
