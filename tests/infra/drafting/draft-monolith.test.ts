// deadline: 180 s
// by tsx
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Service } from '../../../contracts/language/contract-set.ts'
import { tableOf } from '../../../infra/catalog/catalog.ts'
import { readCatalog } from '../../../infra/catalog/read-catalog.ts'
import { loadContracts } from '../../../infra/configuration/contract-module.ts'
import { draftMonolith } from '../../../infra/drafting/draft-monolith.ts'
import type { Draft, DraftColumn, DraftEntity } from '../../../infra/drafting/draft.ts'
import type { MonolithFacts } from '../../../infra/drafting/monolith-facts.ts'
import { writeDraft } from '../../../infra/drafting/write-draft.ts'
import { serviceDdl } from '../../../infra/export/service-ddl.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { contractDifferences } from '../../../infra/service-database/compare-contract.ts'
import { runSql, withFolder } from '../../command-line/shop.ts'
import { withDatabase } from '../../with-servers.ts'
import { draftOf, factsOf, servicesOf, withArchiModeler, withMonolith, withShopMonolith } from './with-monolith.ts'

async function withOddMonolith(use: (facts: MonolithFacts, draft: Draft, url: string) => Promise<void> | void) {
  const sql = await readFile(new URL('odd-monolith.sql', import.meta.url), 'utf8')
  await withMonolith([sql], async (url) => {
    const facts = await factsOf(url)
    await use(facts, draftMonolith(facts, []), url)
  })
}

function entityOf({ services }: Draft, name: string): DraftEntity {
  const found = services.flatMap(({ entities }) => entities).find((entity) => entity.name === name)
  assert.ok(found, name)
  return found
}

function columnOf(draft: Draft, entity: string, name: string): DraftColumn {
  const found = entityOf(draft, entity).columns.find((column) => column.name === name)
  assert.ok(found, `${entity}.${name}`)
  return found
}

/** The problems that a check has found, without their cures. */
function problems({ findings }: Draft, check: string): string {
  return findings
    .filter((finding) => finding.check === check)
    .map(({ problem }) => problem)
    .join('\n')
}

test("ArchiModeler's ten services are proposed as they were found by hand, on its real tables", () =>
  withArchiModeler(60, async (url) => {
    const draft = await draftOf(url)
    assert.equal(servicesOf(draft), [
      'ChangeRequest',
      'ChatMessage',
      'Comment CommentMention CommentThread',
      'ConceptType Metamodel RelationType _SourceRules _TargetRules',
      'DataSource',
      'Element Folder ModelPackage Relationship View',
      'ElementStereotype RelationshipStereotype Stereotype StereotypeConceptType StereotypeRelationType',
      'Group Permission Role User _GroupToUser _PermissionToRole _RoleToUser',
      'Notification',
      'SystemSetting',
    ])
    assert.equal(
      draft.leftBehind.map(({ name }) => name),
      ['_prisma_migrations'],
    )
    const secrets = draft.services.flatMap(({ entities }) =>
      entities.flatMap(({ name, columns }) =>
        columns.filter(({ isSecret }) => isSecret).map((column) => `${name}.${column.name}`),
      ),
    )
    assert.equal(secrets.toSorted(), ['DataSource.config', 'SystemSetting.value', 'User.password'])
  }))

test("pgbench's tables are drafted, but for the one without a key, and loudly so", () =>
  withMonolith(
    [
      'CREATE TABLE pgbench_history (tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22))',
      'CREATE TABLE pgbench_tellers (tid integer NOT NULL PRIMARY KEY, bid integer, tbalance integer, filler char(84))',
      'CREATE TABLE pgbench_accounts (aid integer NOT NULL PRIMARY KEY, bid integer, abalance integer, filler char(84))',
      'CREATE TABLE pgbench_branches (bid integer NOT NULL PRIMARY KEY, bbalance integer, filler char(88))',
    ],
    async (url) => {
      const alone = await draftOf(url)
      assert.equal(servicesOf(alone), ['pgbench_accounts', 'pgbench_branches', 'pgbench_tellers'])
      assert.match(problems(alone, 'no-key'), 'Table public.pgbench_history has neither')
      assert.match(alone.findings.find(({ check }) => check === 'no-key')?.cure ?? '', 'PRIMARY KEY')
      await runSql(url, [
        'ALTER TABLE pgbench_tellers ADD FOREIGN KEY (bid) REFERENCES pgbench_branches',
        'ALTER TABLE pgbench_accounts ADD FOREIGN KEY (bid) REFERENCES pgbench_branches',
      ])
      assert.equal(servicesOf(await draftOf(url)), ['pgbench_accounts pgbench_branches pgbench_tellers'])
    },
  ))

test('a shop is drafted as it is: keys, references inside and across, indexes, types, defaults, secrets', () =>
  withShopMonolith(async (url) => {
    const draft = await draftOf(url)
    const orders = entityOf(draft, 'orders')
    assert.equal(orders.key, { on: ['order_id'], as: 'primary key', name: 'orders_pkey' })
    assert.equal(orders.indexes, [{ name: 'orders_customer_idx', on: ['customer_id'] }])
    assert.equal(orders.crossReferences, [
      { on: ['customer_id'], toColumns: [], to: 'customers.customers', onDelete: 'NO ACTION' },
      {
        on: ['ship_customer_id', 'ship_kind'],
        toColumns: [],
        to: 'customers.customer_addresses',
        onDelete: 'SET NULL',
      },
    ])
    assert.is(columnOf(draft, 'orders', 'order_id').identity, 'BY DEFAULT')
    assert.is(columnOf(draft, 'orders', 'state').default, `'open'`)
    assert.is(columnOf(draft, 'orders', 'state').ownType?.name, 'public.order_state')
    assert.is(columnOf(draft, 'orders', 'placed_at').default, 'now()')
    assert.equal(entityOf(draft, 'order_lines').references, [
      {
        on: ['order_id'],
        toColumns: [],
        name: 'order_lines_order_id_fkey',
        to: 'orders',
        onDelete: 'CASCADE',
        onUpdate: 'NO ACTION',
      },
    ])
    assert.is(columnOf(draft, 'customers', 'customer_id').default, null, 'a sequence is not in the service')
    assert.is(columnOf(draft, 'customers', 'password_hash').isSecret, true)
    assert.is(columnOf(draft, 'customers', 'password_changed_at').isSecret, false)
    assert.match(columnOf(draft, 'products', 'search').generated ?? '', 'to_tsvector')
    assert.equal(entityOf(draft, 'room_bookings').key, {
      on: ['booking'],
      as: 'unique index',
      name: 'room_bookings_key',
    })
  }))

test('services that are given are as they are given, and the others are proposed from what is left', () =>
  withShopMonolith(async (url) => {
    const given = [{ name: 'billing', tables: ['invoices', 'public.order_lines'] }]
    const draft = await draftOf(url, given)
    const billing = draft.services.find(({ name }) => name === 'billing')
    assert.equal(billing?.entities.map(({ name }) => name).toSorted(), ['invoices', 'order_lines'])
    assert.is(draft.services.flatMap(({ entities }) => entities).length, 14)
    assert.match(
      entityOf(draft, 'order_lines')
        .crossReferences.map(({ to }) => to)
        .join(' '),
      /\w+\.orders/,
    )
    const facts = await factsOf(url)
    const twice = [...given, { name: 'other', tables: ['invoices'] }]
    assert.throws(() => draftMonolith(facts, twice), 'table invoices is given to billing and to other')
    assert.throws(
      () => draftMonolith(facts, [{ name: 'x', tables: ['audit_trail', 'invoice'] }]),
      'there is no table audit_trail that a contract can claim; there is no table invoice that a contract can claim (did you mean invoices?)',
    )
  }))

test('what no contract can claim is left behind by name, with the reason', () =>
  withOddMonolith((_, draft) => {
    assert.equal(
      draft.leftBehind.map(({ name, reason }) => `${name}: ${reason.split(',')[0]}`),
      [
        'cache: unlogged',
        'file: a foreign table',
        'generated_key: WITHOUT A KEY',
        'migrations: what a tool for migrations has run',
        'no_key: WITHOUT A KEY',
        'nullable_key: WITHOUT A KEY',
      ],
    )
    assert.equal(entityOf(draft, 'several_keys').key, { on: ['c'], as: 'unique index', name: 'the_key' })
    assert.equal(
      draft.services
        .flatMap(({ entities }) => entities.map(({ name }) => name))
        .filter((name) => /measured|guarded/.test(name))
        .toSorted(),
      ['about_measured', 'guarded', 'measured_2023', 'measured_2024', 'other_guarded'],
      'partitions one by one, and no name twice',
    )
  }))

test('everything that will hurt is found, by name', () =>
  withOddMonolith((_, draft) => {
    const expected: Readonly<Record<string, readonly string[]>> = {
      'no-key': ['public.no_key', 'public.nullable_key', 'public.generated_key'],
      'unlogged-table': ['public.cache'],
      'foreign-table': ['public.file'],
      'left-behind': ['public.migrations'],
      'row-security': ['public.guarded has row-level security (mine)'],
      'partitioned-table': ['public.measured is partitioned'],
      serial: ['public.numbered.id'],
      identity: ['Column odd of table public.numbered', 'INCREMENT BY 2'],
      default: [
        'Column id of table public.defaults',
        'uuid-ossp',
        'Column own of table public.defaults',
        'own_default',
      ],
      generated: ['Column own of table public.generated is generated by the function public.own_default()'],
      'foreign-key': [
        'to_nobody',
        'about_measured_at_fkey',
        'unproven',
        'swapped',
        'MATCH FULL',
        'by_code',
        'DEFERRABLE',
      ],
      check: ['positive CHECK ((id > 0))'],
      exclusion: ['no_overlap'],
      index: ['partly', 'once', 'alike', 'pattern', 'newest', 'covering', 'indexed_c_key'],
      'large-object': ['public.types.object'],
      collation: ['Column blind of table public.types has the collation public.blind'],
      type: ['public.checked is drafted without its constraint own', 'public.defaults is the row type of a table'],
      extension: ['hstore', 'pg_trgm'],
      view: ['public.shown'],
      function: ['public.own_check', 'public.own_default'],
      sequence: ['public.free_sequence'],
      'empty-table': ['public.bookings'],
    }
    for (const [check, names] of Object.entries(expected))
      for (const name of names) assert.match(problems(draft, check), name, check)
    assert.not.match(problems(draft, 'index'), / plain | pair /)
    assert.not.match(problems(draft, 'foreign-key'), 'fkey1')
  }))

test('a foreign key keeps its pairs, in the order of the key that it refers to', () =>
  withOddMonolith((_, draft) => {
    const [byCode, swapped] = entityOf(draft, 'children').references
    assert.equal([byCode?.name, byCode?.on, byCode?.toColumns], ['by_code', ['code'], ['code']])
    assert.equal([swapped?.name, swapped?.on, swapped?.toColumns], ['swapped', ['a', 'b'], []])
    assert.is(entityOf(draft, 'children').references.length, 2)
    assert.equal(entityOf(draft, 'about_measured').references, [])
  }))

test('the modules of an odd database load, agree with it, and make their tables in empty databases', () =>
  withOddMonolith(async (facts, _, url) =>
    withFolder(async (folder) => {
      // Two tables need what the findings say must be made by hand.
      const given = ['types', 'generated'].map((table) => ({ name: table, tables: [table] }))
      const files = await writeDraft(draftMonolith(facts, given), facts.types, join(folder, 'drafted'), false)
      const loaded = await loadContracts(files.at(-1) ?? '')
      assert.ok('set' in loaded, 'mistake' in loaded ? loaded.mistake : '')
      const { services } = loaded.set
      const entities = services.flatMap((service) => service.entities)
      await withSession({ title: 'x', variable: 'X', url }, { purpose: 'test' }, async (client) => {
        const catalog = await readCatalog(client, entities, { rows: false })
        for (const entity of entities)
          assert.equal(contractDifferences(entity, tableOf(catalog, entity), catalog.enums), [], entity.name)
      })
      for (const service of services)
        if (service.name === 'types') await assertMakes(withoutColumns(service, ['whole']))
        else if (service.name !== 'generated') await assertMakes(service)
    }),
  ))

function withoutColumns(service: Service, names: readonly string[]): Service {
  const entities = service.entities.map((entity) => ({
    ...entity,
    columns: entity.columns.filter(({ name }) => !names.includes(name)),
  }))
  return { ...service, entities }
}

async function assertMakes(service: Service): Promise<void> {
  await withDatabase(async (url) => await runSql(url, [serviceDdl(service)]))
}

test.run()
