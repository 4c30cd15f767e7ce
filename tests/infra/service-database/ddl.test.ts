import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Service } from '../../../contracts/language/contract-set.ts'
import archimodeler from '../../../contracts/archimodeler/contract-set.ts'
import { MONOLITH_DDL } from '../../../infra/demo/monolith/ddl.ts'
import { type Catalog, tableOf } from '../../../infra/catalog/catalog.ts'
import { readCatalog } from '../../../infra/catalog/read-catalog.ts'
import { readSchemas } from '../../../infra/catalog/read-server.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { neededSchemas } from '../../../infra/preflight/observe-service.ts'
import { contractDifferences, structureDifferences } from '../../../infra/service-database/compare-contract.ts'
import {
  createIndexSql,
  createKeySql,
  createReferenceSql,
  createSchemaSql,
  createTableSql,
  createTypeSql,
} from '../../../infra/service-database/ddl.ts'
import hostile from '../../hostile/contract-set.ts'
import { createHostileMonolith } from '../../hostile/monolith.ts'
import { withDatabase } from '../../with-servers.ts'

for (const set of [archimodeler, hostile])
  for (const service of set.services)
    test(`what is built from the contract of ${set.name}.${service.name} is what its contract says`, () =>
      withDatabase((url) =>
        withSession(target(url), { purpose: 'test' }, async (client) => {
          await createTables(client, service)
          const bare = await readCatalog(client, service.entities)
          assert.equal(bare.tables.size, service.entities.length, 'every table is there, and none is taken for another')
          assert.ok(
            contractTexts(service, bare).every((text) => /^The key .* has no primary key or unique index/.test(text)),
          )
          await createStructure(client, service)
          const whole = await readCatalog(client, service.entities)
          assert.equal(contractTexts(service, whole), [])
          assert.equal(structureTexts(service, whole), [])
        }),
      ))

test('the hostile monolith itself is what the contract says, but for the key that is deferrable', () =>
  withDatabase(async (url) => {
    await createHostileMonolith(url, { rowsPerTable: 1 })
    await withSession(target(url), { purpose: 'test' }, async (client) => {
      const catalog = await readCatalog(
        client,
        hostile.services.flatMap(({ entities }) => entities),
        { rows: false },
      )
      const texts = hostile.services.flatMap((service) => [
        ...contractTexts(service, catalog),
        ...structureTexts(service, catalog),
      ])
      assert.equal([...new Set(texts)], ['The constraint of the key (id) of table public.deferred_key is DEFERRABLE.'])
    })
  }))

test("ArchiModeler's monolith is what the contract says, whether join tables have a unique index or a primary key", () =>
  withDatabase(async (url) => {
    await withSession(target(url), { purpose: 'test' }, async (client) => {
      await client.query('SET search_path = public')
      const { types, tables, keysAndIndexes, foreignKeys } = MONOLITH_DDL
      for (const sql of [types, tables, keysAndIndexes, foreignKeys]) await client.query(sql)
      await client.query('SET search_path = pg_catalog')
      assert.equal(await monolithTexts(client), [])
      await client.query(
        `DROP INDEX public."_RoleToUser_AB_unique";
         ALTER TABLE public."_RoleToUser" ADD CONSTRAINT "_RoleToUser_AB_pkey" PRIMARY KEY ("A", "B")`,
      )
      assert.equal(await monolithTexts(client), [])
    })
  }))

async function monolithTexts(client: pg.Client): Promise<string[]> {
  const entities = archimodeler.services.flatMap((service) => service.entities)
  const catalog = await readCatalog(client, entities, { rows: false })
  return archimodeler.services.flatMap((service) => [
    ...contractTexts(service, catalog),
    ...structureTexts(service, catalog),
  ])
}

async function createTables(client: pg.Client, service: Service): Promise<void> {
  const schemas = await readSchemas(client, neededSchemas(service))
  for (const schema of neededSchemas(service)) if (!schemas.has(schema)) await client.query(createSchemaSql(schema))
  for (const type of service.types) await client.query(createTypeSql(type))
  for (const entity of service.entities) await client.query(createTableSql(entity))
}

async function createStructure(client: pg.Client, service: Service): Promise<void> {
  for (const entity of service.entities) {
    await client.query(createKeySql(entity))
    for (const index of entity.indexes) await client.query(createIndexSql(entity, index))
  }
  for (const entity of service.entities)
    for (const reference of entity.references) await client.query(createReferenceSql(service, entity, reference))
}

function contractTexts(service: Service, catalog: Catalog): string[] {
  return service.entities.flatMap((entity) =>
    contractDifferences(entity, tableOf(catalog, entity), catalog.enums).map(({ text }) => text),
  )
}

function structureTexts(service: Service, catalog: Catalog): string[] {
  return service.entities.flatMap((entity) =>
    structureDifferences(service, entity, tableOf(catalog, entity)).map(({ text }) => text),
  )
}

function target(url: string) {
  return { title: 'the test', variable: 'TEST_DATABASE_URL', url }
}

test.run()
