import { test } from 'uvu'
import * as assert from 'uvu/assert'
import archimodeler from '../../../contracts/archimodeler/contract-set.ts'
import { MOST_TABLES, proposeServices } from '../../../infra/drafting/propose-services.ts'
import { inOrderOfNeed, nameServices, orderServices, plainName } from '../../../infra/drafting/service-names.ts'
import type { GraphLink, TableGraph } from '../../../infra/drafting/table-graph.ts'
import { choose, seededRandom } from '../../hostile/random.ts'
import { CHINOOK, graphFrom, PAGILA, WEB_SHOP } from './known-schemas.ts'

function proposed(graph: TableGraph): string[] {
  return proposeServices(graph).map((group) => group.join(' '))
}

/** The foreign keys of ArchiModeler as its monolith has them: those inside services, and those that cross. */
function archimodelerGraph(): TableGraph {
  const entities = archimodeler.services.flatMap((service) => service.entities)
  const links = entities.flatMap((entity): GraphLink[] => {
    const held = entity.crossReferences.flatMap(({ on, toEntity, onDelete }) =>
      onDelete === null ? [] : [{ on, to: toEntity, onDelete }],
    )
    return [...entity.references, ...held].map(({ on, to, onDelete }) => {
      const required = entity.columns.every(({ name, nullable }) => !on.includes(name) || !nullable)
      const bound = required ? (onDelete === 'CASCADE' ? 'owned' : 'required') : 'optional'
      const strength = onDelete === 'SET NULL' ? 'loose' : bound
      return { from: entity.name, to, strength, isInKey: on.every((name) => entity.key.includes(name)) }
    })
  })
  const tables = entities.map(({ name, keyAs }) => ({
    id: name,
    schema: 'public',
    table: name,
    isJoin: keyAs === 'unique index',
  }))
  return { tables, links }
}

test('the services that were found by hand for ArchiModeler are found again', () => {
  const byHand = archimodeler.services.map(({ entities }) =>
    entities
      .map(({ name }) => name)
      .toSorted()
      .join(' '),
  )
  assert.equal(proposed(archimodelerGraph()).toSorted(), byHand.toSorted())
})

test('well-known schemas fall into parts that a person would name', () => {
  assert.equal(proposed(CHINOOK), [
    'Album Artist Genre MediaType Playlist PlaylistTrack Track',
    'Customer Employee Invoice InvoiceLine',
  ])
  assert.equal(proposed(PAGILA), [
    'actor category film film_actor film_category language',
    'address city country',
    'customer inventory payment rental staff store',
  ])
})

test('hubs such as users do not swallow what merely refers to them', () => {
  const groups = proposed(WEB_SHOP)
  assert.ok(groups.includes('roles user_profiles user_roles users'))
  for (const alone of ['notifications', 'audit_log', 'settings', 'coupons', 'reviews', 'cart_items carts'])
    assert.ok(groups.includes(alone), alone)
  assert.ok(groups.some((group) => group.includes('order_items') && group.includes('orders')))
})

test('tables that nothing ties together are services of their own while they are few, and else go by their names', () => {
  assert.equal(proposed(graphFrom('pgbench_accounts:\npgbench_branches:\npgbench_tellers:')), [
    'pgbench_accounts',
    'pgbench_branches',
    'pgbench_tellers',
  ])
  const many = Array.from({ length: 6 }, (_, place) => `cms_${place}:\nlog_${place}:`)
  const groups = proposed(graphFrom([...many, 'settings:', 'jobs:'].join('\n')))
  assert.equal(
    groups.map((group) => group.split(' ').length).toSorted((a, b) => a - b),
    [2, 6, 6],
  )
})

test('a foreign key that crosses schemas ties less than one within', () => {
  const links = [
    { from: 'sales.order', to: 'crm.person', strength: 'required', isInKey: false },
    { from: 'sales.line', to: 'sales.order', strength: 'required', isInKey: false },
    { from: 'crm.note', to: 'crm.person', strength: 'required', isInKey: false },
  ] as const
  const tables = ['sales.order', 'sales.line', 'crm.person', 'crm.note'].map((id) => {
    const [schema = '', table = ''] = id.split('.')
    return { id, schema, table, isJoin: false }
  })
  assert.equal(proposed({ tables, links }), ['crm.note crm.person', 'sales.line sales.order'])
})

test('the same tables give the same services, in whatever order they come', () => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  for (const graph of [archimodelerGraph(), WEB_SHOP, PAGILA]) {
    const expected = proposed(graph)
    for (let times = 0; times < 20; times += 1) {
      const shuffled = <Item>(items: readonly Item[]): Item[] =>
        items
          .map((item) => ({ item, rank: random(1_000_000) }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ item }) => item)
      const again = proposed({ tables: shuffled(graph.tables), links: shuffled(graph.links) })
      assert.equal(again, expected, `seed ${seed}`)
    }
  }
})

test('each table is in one service, none of which is too large, also among a thousand tables', () => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const strengths = ['owned', 'required', 'optional', 'loose'] as const
  const ids = Array.from({ length: 1_000 }, (_, place) => `t${random(200)}_${place}`)
  const any = (): string => choose(random, ids)
  const links = Array.from({ length: 2_500 }, () => ({
    from: any(),
    to: any(),
    strength: choose(random, strengths),
    isInKey: random(5) === 0,
  }))
  const tables = ids.map((id) => ({ id, schema: 'public', table: id, isJoin: random(10) === 0 }))
  const startedAt = Date.now()
  const groups = proposeServices({ tables, links })
  assert.ok(Date.now() - startedAt < 20_000, 'it takes seconds, not minutes')
  assert.equal(groups.flat().toSorted(), ids.toSorted(), `seed ${seed}`)
  const tied = new Set(links.flatMap(({ from, to }) => [from, to]))
  for (const group of groups)
    if (group.some((id) => tied.has(id))) assert.ok(group.length <= MOST_TABLES, `seed ${seed}: ${group.length} tables`)
})

test('services are called after their central tables, and come behind those that they refer to', () => {
  const graph = archimodelerGraph()
  const services = orderServices(nameServices(proposeServices(graph), graph, new Set()), graph)
  const names = services.map(([name]) => name)
  assert.equal(names.toSorted(), [
    'change_request',
    'chat_message',
    'comment',
    'data_source',
    'metamodel',
    'model_package',
    'notification',
    'stereotype',
    'system_setting',
    'user',
  ])
  for (const [later, earlier] of [
    ['comment', 'user'],
    ['model_package', 'metamodel'],
    ['change_request', 'model_package'],
  ])
    assert.ok(names.indexOf(later ?? '') > names.indexOf(earlier ?? ''), `${later} behind ${earlier}`)
})

test('a name is one that a service can have, whatever the table is called', () => {
  assert.is(plainName('OrderItems', 'x'), 'order_items')
  assert.is(plainName('Bestellübersicht 2024', 'x'), 'bestellubersicht_2024')
  assert.is(plainName('2024_sales', 'x'), 'sales')
  assert.is(plainName('😀', 'service'), 'service')
  assert.match(plainName(`a table of ${'x'.repeat(100)}`, 'x'), /^[a-z][a-z0-9_]{0,30}$/)
  const graph = graphFrom('monolith:\nMonolith:')
  const names = nameServices([['monolith'], ['Monolith']], graph, new Set(['monolith_2']))
  assert.equal([...names.keys()], ['monolith_3', 'monolith_4'])
})

test('what is needed comes first, and a circle is broken somewhere', () => {
  const needs = new Map([
    ['line', new Set(['order', 'product'])],
    ['order', new Set(['customer'])],
    ['chicken', new Set(['egg'])],
    ['egg', new Set(['chicken'])],
  ])
  const names = ['line', 'order', 'product', 'customer', 'chicken', 'egg']
  const ordered = inOrderOfNeed(names, needs)
  assert.equal(ordered, ['customer', 'order', 'product', 'line', 'chicken', 'egg'])
  assert.equal(inOrderOfNeed(names.toReversed(), needs), ordered)
})

test.run()
