import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Client } from 'pg'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { withDatabase } from '../with-servers.ts'
import { type CatalogReference, type CatalogTable, readTables } from './catalog-tables.ts'
import hostile from './contract-set.ts'
import { withHostileMonolith, withTextSession } from './with-hostile-monolith.ts'

const entities = hostile.services.flatMap((service) => service.entities)

test('the contract set has every table of the hostile monolith that is not left behind, as the catalog has it', () =>
  withHostileMonolith({ rowsPerTable: 1 }, async (client) => {
    const tables = await readTables(client)
    const left = tables.filter((table) => tableOf(table) === undefined).map(({ schema, table }) => `${schema}.${table}`)
    assert.equal(left.toSorted(), ['elsewhere.left over', 'public._migrations', 'public.session_cache'])
    assert.is(tables.length, entities.length + left.length)
    for (const service of hostile.services)
      for (const entity of service.entities) {
        const table = tables.find((one) => tableOf(one) === entity)
        assert.ok(table, entity.name)
        compare(service, entity, table)
      }
  }))

test('the contract set has the labels of every enum of the hostile monolith, in order', () =>
  withHostileMonolith({ rowsPerTable: 1 }, async (client) => {
    const { rows } = await client.query<{ name: string; labels: string[] }>(
      `SELECT enumtypid::regtype::text AS name, jsonb_agg(enumlabel ORDER BY enumsortorder) AS labels
      FROM pg_enum GROUP BY enumtypid`,
    )
    const labels = new Map(hostile.services.flatMap(({ types }) => types.map((type) => [type.name, type.labels])))
    assert.is(rows.length, 2)
    for (const row of rows) assert.equal(labels.get(row.name), row.labels, row.name)
  }))

test("each service's types can be made in an empty database, in their order, under their names", async () => {
  for (const service of hostile.services)
    await withDatabase((url) => withTextSession(url, (client) => makeTypes(client, service)))
})

async function makeTypes(client: Client, { entities: own, types }: Service): Promise<void> {
  for (const schema of new Set(own.map((entity) => entity.schema)))
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`)
  for (const { name, create } of types) {
    await client.query(create)
    const { rows } = await client.query('SELECT $1::regtype::text AS name', [name])
    assert.equal(rows, [{ name }])
  }
}

function tableOf({ schema, table }: CatalogTable): Entity | undefined {
  return entities.find((entity) => entity.schema === schema && entity.table === table)
}

function compare(service: Service, entity: Entity, table: CatalogTable): void {
  const where = `${service.name}.${entity.name}`
  assert.equal(sorted(contractColumns(entity)), sorted(table.columns), `columns of ${where}`)
  assert.equal(contractKey(entity), catalogKey(entity, table), `key of ${where}`)
  assert.equal(sorted(contractIndexes(entity)), sorted(catalogIndexes(entity, table)), `indexes of ${where}`)
  assert.equal(sorted(contractReferences(service, entity)), sorted(catalogReferences(table)), `references of ${where}`)
}

function contractColumns(entity: Entity) {
  return entity.columns.map((column) => ({
    name: column.name,
    type: column.type,
    nullable: column.nullable,
    default: column.default ?? null,
    generated: column.generated ?? null,
    identity: column.identity ?? null,
  }))
}

function contractKey({ key, keyAs }: Entity) {
  return { on: key, unique: true, primary: keyAs === 'primary key' }
}

function catalogKey({ keyAs, keyName }: Entity, { indexes }: CatalogTable) {
  const index = indexes.find(({ primary, name }) => (keyAs === 'primary key' ? primary : name === keyName))
  return index && { on: index.on, unique: index.unique, primary: index.primary }
}

function contractIndexes({ indexes }: Entity) {
  return indexes.map(({ on, unique }) => ({ on, unique }))
}

function catalogIndexes({ keyName }: Entity, { indexes }: CatalogTable) {
  return indexes.filter(({ name, primary }) => !primary && name !== keyName).map(({ on, unique }) => ({ on, unique }))
}

/** References inside the service, and those across that the monolith holds by a foreign key. */
function contractReferences(service: Service, entity: Entity): CatalogReference[] {
  const inside = entity.references.map(({ to, ...reference }) => ({ ...reference, service: service.name, to }))
  const across = entity.crossReferences.flatMap(({ toService, toEntity, onDelete, ...reference }) =>
    onDelete === null ? [] : [{ ...reference, service: toService, to: toEntity, onDelete, onUpdate: 'CASCADE' }],
  )
  return [...inside, ...across].map(({ service: owner, to, on, toColumns, onDelete, onUpdate }) => {
    const target = hostile.services.find(({ name }) => name === owner)?.entities.find(({ name }) => name === to)
    assert.ok(target, to)
    return paired({ on, toSchema: target.schema, toTable: target.table, toColumns, onDelete, onUpdate })
  })
}

function catalogReferences({ references }: CatalogTable): CatalogReference[] {
  return references.map(paired)
}

/** A foreign key's pairs of columns have no order, so they are put into one. */
function paired({ on, toColumns, ...reference }: CatalogReference): CatalogReference {
  const pairs = on.map((name, place) => [name, toColumns[place] ?? ''] as const).toSorted(([a], [b]) => byText(a, b))
  return { ...reference, on: pairs.map(([name]) => name), toColumns: pairs.map(([, name]) => name) }
}

/** In one order, each item with its properties in one order too. */
function sorted<Item extends object>(items: readonly Item[]): Item[] {
  const text = (item: Item): string => JSON.stringify(item, Object.keys(item).toSorted(byText))
  return items.toSorted((a, b) => byText(text(a), text(b)))
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

test.run()
