import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { type ContractSet, contractSet, wireColumns } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { enumeration, integer, postgres, text, typeDefinition } from '../../../contracts/language/types.ts'

const colour = enumeration('Colour', ['red'])
const box = typeDefinition('public.box', 'CREATE TYPE public.box AS (colour public."Colour")')

const shop = service({
  Ware: entity(
    {
      shelf: integer(),
      id: text(),
      name: text().nullable(),
      box: postgres('public.box', ...colour().settings.requires, box).nullable(),
      colour: colour(),
      loud: text().nullable().generated('upper(name)'),
    },
    { key: ['id', 'shelf'], unique: [{ on: ['name'] }], indexes: [{ on: ['colour', 'name'] }] },
  ),
  Part: entity(
    { id: text(), ware: text(), shelf: integer(), seller: text().nullable(), whole: text().nullable() },
    {
      key: ['id'],
      keyAs: 'unique index',
      table: 'parts',
      schema: 'stock',
      references: [
        { on: ['ware', 'shelf'], to: 'Ware', onDelete: 'CASCADE' },
        { on: ['whole'], to: 'Ware', toColumns: ['name'], onDelete: 'SET NULL', onUpdate: 'RESTRICT', name: 'whole' },
      ],
      crossReferences: [{ on: ['seller'], to: 'people.Seller', onDelete: null }],
    },
  ),
})
const people = service({ Seller: entity({ name: text() }, { key: ['name'] }) })
const set = contractSet('market', { services: { shop, people }, leftBehind: ['_migrations'] })

test('services and entities keep their order and get their names from where they are declared', () => {
  assert.equal(
    set.services.map(({ name, entities }) => [name, entities.map((one) => one.name)]),
    [
      ['shop', ['Ware', 'Part']],
      ['people', ['Seller']],
    ],
  )
  assert.equal(set.leftBehind, ['_migrations'])
  assert.equal(contractSet('market', { services: { people } }).leftBehind, [])
})

test('an entity is a table of public of its own name, unless it says otherwise', () => {
  assert.equal(
    [ofEntity('Ware'), ofEntity('Part')].map(({ schema, table }) => [schema, table]),
    [
      ['public', 'Ware'],
      ['stock', 'parts'],
    ],
  )
})

test('keys, indexes and references that have no name get the one that PostgreSQL would give them', () => {
  const [ware, part] = [ofEntity('Ware'), ofEntity('Part')]
  assert.is(ware.keyName, 'Ware_pkey')
  assert.is(part.keyName, 'parts_id_key')
  assert.equal(ware.indexes, [
    { name: 'Ware_name_key', on: ['name'], unique: true },
    { name: 'Ware_colour_name_idx', on: ['colour', 'name'], unique: false },
  ])
  assert.equal(
    part.references.map(({ name }) => name),
    ['parts_ware_shelf_fkey', 'whole'],
  )
})

test("a reference leads to the other's key, in the key's order, unless it names other columns", () => {
  const [first, second] = ofEntity('Part').references
  assert.equal([first?.toColumns, first?.onUpdate], [['id', 'shelf'], 'CASCADE'])
  assert.equal([second?.toColumns, second?.onUpdate], [['name'], 'RESTRICT'])
  assert.equal(ofEntity('Part').crossReferences, [
    { on: ['seller'], toService: 'people', toEntity: 'Seller', toColumns: ['name'], when: null, onDelete: null },
  ])
})

test("a service's types come once each, in the order in which they need each other", () => {
  assert.equal(
    set.services.map(({ types }) => types.map(({ name }) => name)),
    [['public."Colour"', 'public.box'], []],
  )
})

test('generated columns do not travel', () => {
  assert.equal(
    wireColumns(ofEntity('Ware')).map(({ name }) => name),
    ['shelf', 'id', 'name', 'box', 'colour'],
  )
})

test('the part before the first dot of a reference is the service, so that an entity may have dots', () => {
  const dotted = service({ 'a.b.c': entity({ id: text() }, { key: ['id'] }) })
  const pointing = service({
    P: entity({ id: text() }, { key: ['id'], crossReferences: [{ on: ['id'], to: 'dotted.a.b.c', onDelete: null }] }),
  })
  const { services } = contractSet('dots', { services: { dotted, pointing } })
  assert.equal(services[1]?.entities[0]?.crossReferences[0]?.toEntity, 'a.b.c')
})

test('names that objects have of themselves are names like any other', () => {
  const own = service({
    ['__proto__']: entity({ ['__proto__']: text(), constructor: text() }, { key: ['constructor', '__proto__'] }),
    toString: entity({ valueOf: text() }, { key: ['valueOf'], references: [] }),
  })
  const [resolved] = contractSet('own', { services: { own } }).services
  assert.equal(
    resolved?.entities.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
    [
      ['__proto__', ['__proto__', 'constructor']],
      ['toString', ['valueOf']],
    ],
  )
})

test('a contract set is refused as wrong usage', () => {
  try {
    contractSet('Market', { services: { people } })
    assert.unreachable()
  } catch (error) {
    assert.instance(error, Failure)
    assert.is((error as Failure).exitCode, 2)
    assert.is(
      (error as Failure).message,
      'The contract set Market cannot be used: its name "Market" must match ^[a-z][a-z0-9_]{0,30}$.',
    )
  }
})

function ofEntity(name: string): ContractSet['services'][number]['entities'][number] {
  const found = set.services.flatMap(({ entities }) => entities).find((one) => one.name === name)
  assert.ok(found, name)
  return found
}

test.run()
