import { entity, service } from '../../contracts/language/entity.ts'
import { integer, postgres, text } from '../../contracts/language/types.ts'
import { ODD_SCHEMA, mood, oddMood, oddOrder } from './own-types.ts'

const HOSTILE = `Hostile . "name" 😀 %*>~\\ it's;--`
const LONG_TABLE = 'a table name of exactly sixty-three bytes, the most there can '
const LONG_COLUMN = 'a column name of exactly sixty-three bytes, the most there is '
const EUROS = '€'.repeat(21)

/** Column names that quoting, paths, objects, templates and subjects trip over; a few differ only to the eye. */
// prettier-ignore
const NAMES = [
  'a.b', 'a b', 'a', 'b', ' leading', 'trailing ', "it's", 'double"quote', '😀', '👩‍👩‍👧', 'UPPER', 'upper',
  'Upper', 'select', 'table', 'user', '__proto__', 'constructor', '1', '2024', '9lives', '%', '%2E', '%s', '*', '>',
  '~', 'back\\slash', 'new\nline', 'tab\t', '\r', '$1', '$$', '?', ':name', '--', '/*', ';', 'caf\u{e9}',
  'cafe\u{301}', '\u{200b}', '\u{202e}gnihtyna', '\u{feff}byte order mark', 'oid', 'row', 'value', 'key', 'null',
  'NULL', 'true', 'default', '\\N', '\\.', ',', '(', ')', '{}', '[0]', '#', '@', '!', '=', '`', '|', '&', '"', '""', "'",
  'xmin ', 'rows', 'high', 'low', 'hashed', 'count',
]

/** Names. The service's own is a reserved word; its entities are called as their tables where that is hostile enough. */
export const user = service({
  user: entity(
    {
      user: text(),
      password: text().nullable().secret(),
      table: integer().nullable(),
      t: text().nullable(),
      'user.user': text().nullable(),
    },
    { key: ['user'] },
  ),
  select: entity({ from: integer(), where: text().default(`'it''s \\ "quoted"'::text`) }, { key: ['from'] }),
  [HOSTILE]: entity(
    { 'Key . "part" 2': text(), "other 'column'": integer().nullable(), 'Key . "part" 1': integer() },
    {
      key: ['Key . "part" 1', 'Key . "part" 2'],
      keyName: 'Hostile %s "key" . 😀',
      indexes: [{ on: ["other 'column'"], name: 'An index "of" . 😀' }],
    },
  ),
  ['__proto__']: entity(
    {
      ['__proto__']: text(),
      constructor: text().nullable(),
      hasOwnProperty: text().nullable(),
      toString: text().nullable(),
    },
    { key: ['__proto__'] },
  ),
  constructor: entity(
    {
      valueOf: text(),
      // oxlint-disable-next-line unicorn/no-thenable -- a column called `then` makes a promise of a careless row
      then: text().nullable(),
      length: integer().nullable(),
      prototype: text().nullable(),
    },
    { key: ['valueOf'] },
  ),
  [`${LONG_TABLE}1`]: entity(
    { id: integer(), [`${LONG_COLUMN}1`]: text().nullable(), [`${LONG_COLUMN}2`]: text().nullable() },
    { key: ['id'], unique: [{ on: [`${LONG_COLUMN}2`] }] },
  ),
  [`${LONG_TABLE}2`]: entity(
    { id: integer(), [`${LONG_COLUMN}1`]: text().nullable(), [`${LONG_COLUMN}2`]: text().nullable() },
    { key: ['id'], unique: [{ on: [`${LONG_COLUMN}1`] }] },
  ),
  [EUROS]: entity({ [EUROS]: integer(), euro: text().nullable() }, { key: [EUROS], unique: [{ on: ['euro'] }] }),
  Case: entity(
    { Name: text(), NAME: text().nullable(), name: text().nullable(), nAME: text().nullable() },
    { key: ['Name'] },
  ),
  case: entity(
    { Name: text(), NAME: text().nullable(), name: text().nullable(), nAME: text().nullable() },
    { key: ['Name'] },
  ),
  '~': entity({ '~': integer(), '>': text().nullable() }, { key: ['~'] }),
  '%7E': entity({ '%7E': integer(), '*': text().nullable() }, { key: ['%7E'] }),
  // An object's integer-like keys come first, so that this contract's order is not the table's.
  '2024': entity(
    { '2024': integer(), z: text().nullable(), '1': text().nullable(), a: text().nullable() },
    { key: ['2024'] },
  ),
  twice: entity({ here: text().nullable(), name: text().nullable(), id: integer() }, { key: ['id'] }),
  'twice, elsewhere': entity(
    {
      id: text(),
      name: integer().nullable(),
      mood: oddMood().nullable(),
      order: postgres('"Odd ""schema"".x 😀"."order"', oddOrder).nullable(),
      common: mood().nullable(),
    },
    { key: ['id'], schema: ODD_SCHEMA, table: 'twice' },
  ),
  [ODD_SCHEMA]: entity(
    { id: integer(), twice: text().nullable(), public_twice: integer().nullable() },
    {
      key: ['id'],
      schema: ODD_SCHEMA,
      references: [
        { on: ['twice'], to: 'twice, elsewhere', onDelete: 'SET NULL' },
        { on: ['public_twice'], to: 'twice', onDelete: 'SET NULL' },
      ],
    },
  ),
  columns: entity(
    Object.fromEntries([['id', integer()] as const, ...NAMES.map((name) => [name, text().nullable()] as const)]),
    { key: ['id'] },
  ),
})
