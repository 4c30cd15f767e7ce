// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../contracts/archimodeler/contract-set.ts'
import type { Entity } from '../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../contracts/language/quoting.ts'
import { ANSWER_LIMIT_MS, consume, CONSUMER_WINDOW_BYTES, LOADING_TRANSACTION_BYTES } from '../consumers/consume.ts'
import { createByteWindow } from '../infra/byte-window.ts'
import { generateMonolith } from '../infra/demo/monolith/generate-monolith.ts'
import type { Deployment } from '../infra/preflight/deployment.ts'
import { prepare } from '../infra/prepare/prepare.ts'
import { createIndexSql, createKeySql, createReferenceSql } from '../infra/service-database/ddl.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'
import { publishSnapshot } from '../publisher/publish-snapshot.ts'
import { assertFindsAll, inEachService, keepAllRows, verified } from './infra/verify/assert-finds.ts'
import { namedRows, tablesOf } from './infra/verify/expected-rows.ts'
import { target } from './infra/verify/made-by-hand.ts'
import { duplicateRow } from './infra/verify/mutations.ts'
import { keyOf } from './infra/verify/row-text.ts'
import { beginning, visibleText } from '../infra/verify/visible-text.ts'
import { withDatabase, withDatabases, withPrefix } from './with-servers.ts'

const MINUTE_MS = 60_000
const ENTITIES = archimodeler.services.flatMap(({ entities }) => entities)

/** Generates a monolith, prepares, publishes and consumes it: the whole path, as an operator walks it. */
async function withSplitMonolith(use: (split: Deployment) => Promise<void>): Promise<void> {
  const { signal } = new AbortController()
  await withDatabase(async (monolithUrl) => {
    await generateMonolith(monolithUrl, { elements: 200, seed: 1 })
    await withPrefix(async (prefix, { url }) => {
      const names = archimodeler.services.map(({ name }) => name)
      await withDatabases(names, async (urls) => {
        const nats = { url, credentialsFile: null, caFile: null }
        const monolith = target('the monolith', monolithUrl)
        const services = archimodeler.services.map((service) => ({
          service,
          database: target(service.name, urls[service.name] ?? ''),
        }))
        const split: Deployment = { set: archimodeler, prefix, monolith, services, nats, replicas: 1 }
        await prepare(split, { withSlot: false, dryRun: false })
        const publication = { withSlot: false, newEpoch: false, withoutKeeper: true, readers: 2, pageBytes: 16 * 1024 }
        await publishSnapshot(split, { ...publication, maxOutageMs: MINUTE_MS, signal }, () => undefined)
        const window = createByteWindow(CONSUMER_WINDOW_BYTES)
        const consumption = {
          untilCaughtUp: true,
          loaders: 1,
          transactionBytes: LOADING_TRANSACTION_BYTES,
          maxWaitMs: MINUTE_MS,
          answerLimitMs: ANSWER_LIMIT_MS,
          signal,
        }
        for (const each of services) await consume({ ...split, ...each, window }, consumption, () => undefined)
        await use(split)
      })
    })
  })
}

/** The entities whose columns are such that the alteration can be done in them at all. */
const MUST_BE_FOUND: Readonly<Record<string, (entity: Entity) => boolean>> = {
  'one bit of a value': () => true,
  'NULL for a value, the empty string first': ({ columns }) => columns.some(({ nullable }) => nullable),
  '-0 for 0, or 0 for -0': ({ columns }) => columns.some(({ wire }) => wire === 'float'),
  'a trailing space': () => true,
  'the smallest step of time': ({ columns }) => columns.some(({ type }) => type.startsWith('timestamp')),
  'two values swapped': () => true,
  'a row deleted': () => true,
  'a row added': () => true,
}

test('in every table of the split monolith, each alteration is found, and nothing else is', async () => {
  await withSplitMonolith(async (split) => {
    const before = await verified(split)
    assert.equal([before.verified, tablesOf(before).size], [true, 30])
    await keepAllRows(split)
    const found = await assertFindsAll(split)
    for (const [kind, isPossible] of Object.entries(MUST_BE_FOUND)) {
      const wanted = ENTITIES.filter(isPossible).map(({ name }) => name)
      assert.equal([...(found.get(kind) ?? [])].sort(), wanted.sort(), kind)
    }
    await assertFindsDuplicates(split)
    await assertFindsStructure(split)
    assert.is((await verified(split)).verified, true)
  })
})

/** A second copy of a row of each join table, once the index is gone that forbids it. */
async function assertFindsDuplicates(split: Deployment): Promise<void> {
  const expected = new Map<string, string>()
  await inEachService(split, async (client, { entities }) => {
    for (const entity of entities.filter(({ keyAs }) => keyAs === 'unique index')) {
      await client.query(`DROP INDEX public.${quoteIdentifier(entity.keyName)}`)
      const row = await duplicateRow(client, entity)
      const key = keyOf(entity, row ?? []).map((value) => visibleText(beginning(value)))
      expected.set(entity.name, `2 in place of 1 ${key.join(', ')}`)
    }
  })
  assert.is(expected.size, 5)
  for (const [entity, table] of tablesOf(await verified(split))) {
    const own = expected.get(entity)
    assert.equal(namedRows(table), own === undefined ? [] : [own], entity)
    assert.is(table.structure.length, own === undefined ? 0 : 1, entity)
  }
  await inEachService(split, async (client, { entities }) => {
    for (const entity of entities.filter(({ name }) => expected.has(name))) {
      await client.query(
        `DELETE FROM ${tableSql(entity)} WHERE ctid IN (SELECT max(ctid) FROM ${tableSql(entity)} GROUP BY "A", "B" HAVING count(*) > 1)`,
      )
      await client.query(createKeySql(entity))
    }
  })
}

/** Every index and every foreign key of each table is dropped, and then put back. */
async function assertFindsStructure(split: Deployment): Promise<void> {
  await inEachService(split, async (client, { entities }) => {
    for (const { table, references, indexes, schema } of entities) {
      for (const { name } of references)
        await client.query(`ALTER TABLE ${tableSql({ schema, table })} DROP CONSTRAINT ${quoteIdentifier(name)}`)
      for (const { name } of indexes) await client.query(`DROP INDEX ${tableSql({ schema, table: name })}`)
    }
  })
  const tables = tablesOf(await verified(split))
  for (const { name, indexes, references } of ENTITIES) {
    const table = tables.get(name)
    assert.is(table?.structure.length, indexes.length + references.length, name)
    assert.is(table?.verified, indexes.length + references.length === 0, name)
    assert.is(table?.differences.total, 0, name)
  }
  await inEachService(split, async (client, service) => {
    for (const entity of service.entities) {
      for (const index of entity.indexes) await client.query(createIndexSql(entity, index))
      for (const reference of entity.references) await client.query(createReferenceSql(service, entity, reference))
    }
  })
}

test.run()
