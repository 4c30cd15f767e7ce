import { entity, service } from '../../contracts/language/entity.ts'
import {
  bigint,
  boolean,
  bytea,
  doublePrecision,
  integer,
  jsonb,
  postgres,
  text,
  timestamp,
} from '../../contracts/language/types.ts'
import { citext, mood, pair } from './own-types.ts'

/** References in every form that the language has. */
const links = service({
  ThreeColumns: entity(
    {
      a: text(),
      b: integer(),
      c: timestamp(3),
      code: text().nullable(),
      payload: text().nullable(),
      region: text().nullable(),
    },
    {
      key: ['c', 'a', 'b'],
      unique: [{ on: ['region', 'code'] }],
      indexes: [{ on: ['payload', 'b'] }],
      table: 'three_columns',
    },
  ),
  CompositeLink: entity(
    {
      id: integer(),
      link_a: text().nullable(),
      link_b: integer().nullable(),
      link_c: timestamp(3).nullable(),
      region: text().nullable(),
      code: text().nullable(),
    },
    {
      key: ['id'],
      table: 'composite_links',
      references: [
        { on: ['link_c', 'link_a', 'link_b'], to: 'ThreeColumns', onDelete: 'CASCADE', onUpdate: 'NO ACTION' },
        { on: ['code', 'region'], to: 'ThreeColumns', toColumns: ['code', 'region'], onDelete: 'SET NULL' },
      ],
    },
  ),
  _AToB: entity(
    { A: integer(), B: integer() },
    {
      key: ['A', 'B'],
      keyAs: 'unique index',
      keyName: '_AToB_AB_unique',
      indexes: [{ on: ['B'], name: '_AToB_B_index' }],
    },
  ),
  Tree: entity(
    { id: integer(), parent: integer().nullable(), twin: integer().nullable() },
    {
      key: ['id'],
      table: 'tree',
      unique: [{ on: ['twin'] }],
      references: [
        { on: ['parent'], to: 'Tree', onDelete: 'CASCADE' },
        { on: ['twin'], to: 'Tree', onDelete: 'SET NULL' },
      ],
    },
  ),
  Chicken: entity(
    { id: integer(), egg: integer() },
    { key: ['id'], table: 'chicken', references: [{ on: ['egg'], to: 'Egg', onDelete: 'NO ACTION' }] },
  ),
  Egg: entity(
    { id: integer(), chicken: integer() },
    { key: ['id'], table: 'egg', references: [{ on: ['chicken'], to: 'Chicken', onDelete: 'NO ACTION' }] },
  ),
  Action: entity(
    {
      id: integer(),
      no_action: integer().nullable(),
      restricted: integer().nullable(),
      cascading: integer().nullable(),
      nulled: integer().nullable(),
      defaulted: integer().nullable().default('1'),
    },
    {
      key: ['id'],
      table: 'actions',
      references: [
        { on: ['no_action'], to: 'Tree', onDelete: 'NO ACTION', onUpdate: 'NO ACTION' },
        { on: ['restricted'], to: 'Tree', onDelete: 'RESTRICT', onUpdate: 'RESTRICT' },
        { on: ['cascading'], to: 'Tree', onDelete: 'CASCADE' },
        { on: ['nulled'], to: 'Tree', onDelete: 'SET NULL', onUpdate: 'SET NULL' },
        { on: ['defaulted'], to: 'Tree', onDelete: 'SET DEFAULT', onUpdate: 'SET DEFAULT' },
      ],
    },
  ),
  Crossing: entity(
    {
      id: integer(),
      user_name: text().nullable(),
      hostile_2: text().nullable(),
      hostile_1: integer().nullable(),
      number: bigint().nullable(),
      about: mood(),
      about_id: text(),
    },
    {
      key: ['id'],
      table: 'crossings',
      crossReferences: [
        { on: ['user_name'], to: 'user.user', onDelete: 'CASCADE' },
        {
          on: ['hostile_1', 'hostile_2'],
          to: `user.Hostile . "name" 😀 %*>~\\ it's;--`,
          onDelete: 'SET NULL',
        },
        { on: ['number'], to: 'values.Integer', onDelete: 'RESTRICT' },
        { on: ['about_id'], to: 'user.user', when: { column: 'about', equals: "quote's" }, onDelete: null },
        { on: ['about_id'], to: 'user.__proto__', when: { column: 'about', equals: '' }, onDelete: null },
        { on: ['about_id'], to: 'user.Case', when: { column: 'about', equals: 'NULL' }, onDelete: null },
      ],
    },
  ),
})

/** Keys of types whose equal values may have different texts: 1.0 and 1.00, a and A, 30 days and a month, 0 and -0. */
const keys = service({
  ByEnum: entity({ mood: mood(), note: text().nullable() }, { key: ['mood'], table: 'by_enum' }),
  ByNumeric: entity({ amount: postgres('numeric'), note: text().nullable() }, { key: ['amount'], table: 'by_numeric' }),
  ByFloat: entity({ amount: doublePrecision(), note: text().nullable() }, { key: ['amount'], table: 'by_float' }),
  ByTimestamp: entity({ moment: timestamp(6), note: text().nullable() }, { key: ['moment'], table: 'by_timestamp' }),
  ByInterval: entity({ span: postgres('interval'), note: text().nullable() }, { key: ['span'], table: 'by_interval' }),
  ByCitext: entity(
    { name: postgres('public.citext', citext), note: text().nullable() },
    { key: ['name'], table: 'by_citext' },
  ),
  ByChar: entity({ code: postgres('character(5)'), note: text().nullable() }, { key: ['code'], table: 'by_char' }),
  ByBoolean: entity({ no: boolean(), note: text().nullable() }, { key: ['no'], table: 'by_boolean' }),
  ByStructure: entity(
    {
      pair: postgres('public.pair', pair),
      span: postgres('int4range'),
      tags: postgres('text[]'),
      document: jsonb(),
      note: text().nullable(),
    },
    { key: ['tags', 'document', 'pair', 'span'], table: 'by_structure' },
  ),
  OnlyAKey: entity({ key: text() }, { key: ['key'], table: 'only_a_key' }),
  DeferredKey: entity(
    { id: integer(), name: text().nullable() },
    { key: ['id'], unique: [{ on: ['name'] }], table: 'deferred_key' },
  ),
})

/** The types of `wide`'s columns, in turn. */
const WIDE_TYPES = [
  () => integer().nullable(),
  () => text().nullable(),
  () => postgres('numeric(12,3)').nullable(),
  () => timestamp(3).nullable(),
  () => boolean().nullable(),
]

function wideColumns() {
  const numbers = Array.from({ length: 249 }, (_, place) => place + 1)
  const columns = numbers.flatMap((i) => WIDE_TYPES.slice(i % 5, (i % 5) + 1).map((type) => [`column ${i}`, type()]))
  return { id: integer(), ...Object.fromEntries(columns) }
}

/** Tables that are odd by their size or by what happened to them. */
const storage = service({
  Wide: entity(wideColumns(), { key: ['id'], table: 'wide' }),
  Empty: entity({ id: integer(), name: text().nullable() }, { key: ['id'], table: 'empty' }),
  OneRow: entity({ id: integer(), name: text().nullable() }, { key: ['id'], table: 'one_row' }),
  Nulls: entity(
    {
      id: integer(),
      a: text().nullable(),
      b: integer().nullable(),
      c: jsonb().nullable(),
      d: doublePrecision().nullable(),
      e: bytea().nullable(),
    },
    { key: ['id'], table: 'nulls' },
  ),
  Secret: entity(
    { id: integer(), user: text(), password: text().secret(), token: bytea().nullable().secret() },
    { key: ['id'], table: 'secrets' },
  ),
  // The table's own order has holes where columns were dropped, and is another than this one.
  Changed: entity(
    {
      added_late: timestamp(3).nullable(),
      added_number: integer().default('43'),
      added_text: text().default(`'missing ''value'''::text`),
      id: integer(),
      retyped: bigint().nullable(),
      kept: text().nullable(),
    },
    { key: ['id'], table: 'changed' },
  ),
  Churned: entity({ id: integer(), counter: integer(), filler: text().nullable() }, { key: ['id'], table: 'churned' }),
  Rewritten: entity({ id: integer(), name: text().nullable() }, { key: ['id'], table: 'rewritten' }),
  Animal: entity({ id: integer(), name: text().nullable() }, { key: ['id'], table: 'animals' }),
  Cat: entity({ id: integer(), name: text().nullable(), lives: integer().nullable() }, { key: ['id'], table: 'cats' }),
  Guarded: entity({ id: integer(), name: text().nullable() }, { key: ['id'], table: 'guarded' }),
})

/** The service with the longest name that a service may have. */
export const keysAndLinks = service({ ...links, ...keys, ...storage })
