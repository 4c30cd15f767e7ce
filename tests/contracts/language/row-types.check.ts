/**
 * What the compiler must accept and refuse of contracts and of the rows and events that follow from them. Nothing here
 * runs: `tsc` reports each `@ts-expect-error` below which there is no error.
 */
import type { Column } from '../../../contracts/language/column.ts'
import { contractSet } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import type { Change, Event, OldRow, Row } from '../../../contracts/language/row.ts'
import {
  bigint,
  boolean,
  bytea,
  doublePrecision,
  enumeration,
  integer,
  jsonb,
  text,
  timestamp,
} from '../../../contracts/language/types.ts'

const colour = enumeration('Colour', ['red', 'green'])

const shop = service({
  Ware: entity(
    {
      id: text(),
      name: text().nullable(),
      pieces: integer().default('0'),
      sold: bigint(),
      weight: doublePrecision().nullable(),
      colour: colour(),
      picture: bytea().secret(),
      details: jsonb(),
      current: boolean().note('one of several versions'),
      since: timestamp(3),
      loud: text().nullable().generated('upper(name)'),
    },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
})

type Ware = Row<typeof shop.Ware>

declare const ware: Ware
declare function accept<Value>(value: Value): void

const { name: _name, ...nameless } = ware

// Rows: the values are of their columns' types.
accept<string>(ware.id)
accept<string | null>(ware.name)
accept<number>(ware.pieces)
accept<bigint>(ware.sold)
accept<'red' | 'green'>(ware.colour)
accept<Uint8Array>(ware.picture)
accept<boolean>(ware.current)
accept<Ware>({ ...ware, name: null, weight: null, colour: 'red', sold: 1n })
// A column that may be null is not a string.
// @ts-expect-error
accept<string>(ware.name)
// A column that may not be null never holds null.
// @ts-expect-error
accept<Ware>({ ...ware, id: null })
// A bigint is not a number: doubles end at 2^53.
// @ts-expect-error
accept<Ware>({ ...ware, sold: 1 })
// jsonb stays PostgreSQL's text.
// @ts-expect-error
accept<Ware>({ ...ware, details: {} })
// No JavaScript date holds what a timestamp holds.
// @ts-expect-error
accept<Ware>({ ...ware, since: new Date() })
// A label that the enum does not have.
// @ts-expect-error
accept<Ware>({ ...ware, colour: 'blue' })
// A property is missing.
// @ts-expect-error
accept<Ware>(nameless)
// Null is a value, absence is not.
// @ts-expect-error
accept<Ware>({ ...ware, name: undefined })
// A column that the entity does not have.
// @ts-expect-error
accept<Ware>({ ...ware, colur: 'red' })
// A generated column does not travel, so a row does not have it.
// @ts-expect-error
accept(ware.loud)
// Rows are read, not written to.
// @ts-expect-error
ware.id = ''

// Entities: their rules name their own columns.
accept(entity({ a: text(), b: text() }, { key: ['b', 'a'] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['b'] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], unique: [{ on: ['b'] }] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], indexes: [{ on: ['b'] }] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], references: [{ on: ['b'], to: 'Other', onDelete: 'CASCADE' }] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], references: [{ on: ['a'], to: 'Other', onDelete: 'DROP' }] }))
// A reference across services says what the monolith did on deletion, even if it did nothing.
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], crossReferences: [{ on: ['a'], to: 'other.Other' }] }))
const polymorphic = { on: ['a'], to: 'other.Other', onDelete: null } as const
accept(entity({ a: text() }, { key: ['a'], crossReferences: [{ ...polymorphic, when: { column: 'a', equals: '' } }] }))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], crossReferences: [{ ...polymorphic, when: { column: 'b', equals: '' } }] }))
// @ts-expect-error
accept(entity({ a: 'text' }, { key: ['a'] }))
// @ts-expect-error
accept(entity({ a: text() }, {}))
// @ts-expect-error
accept(entity({ a: text() }, { key: ['a'], keyAs: 'unique constraint' }))

// Columns: one of a narrower value is one of a wider, never the reverse.
accept<Column<string | null>>(text())
// @ts-expect-error
accept<Column<string>>(text().nullable())
// @ts-expect-error
accept(text().identity('SOMETIMES'))

// Any service is one of a contract set; anything else is not.
accept(contractSet('shop', { services: { shop } }))
// @ts-expect-error
accept(contractSet('shop', { services: { shop: { Ware: shop.Ware.columns } } }))

// Changes: what an operation carries depends on the operation.
type WareChange = Change<typeof shop.Ware>
accept<WareChange>({ op: 'insert', row: ware })
accept<WareChange>({ op: 'update', row: { ...ware, details: { state: 'unchanged' } }, old: null })
accept<WareChange>({ op: 'update', row: ware, old: { id: 'before' } })
accept<WareChange>({ op: 'delete', old: { id: 'gone' } })
accept<WareChange>({ op: 'truncate', cascade: false, restartIdentity: false })
// An inserted row is whole: nothing of it can be unchanged.
// @ts-expect-error
accept<WareChange>({ op: 'insert', row: { ...ware, details: { state: 'unchanged' } } })
// @ts-expect-error
accept<WareChange>({ op: 'update', row: ware })
// @ts-expect-error
accept<WareChange>({ op: 'delete', row: ware })
// @ts-expect-error
accept<WareChange>({ op: 'delete', old: { key: 'gone' } })
// @ts-expect-error
accept<WareChange>({ op: 'upsert', row: ware })
accept<OldRow<typeof shop.Ware>>({})
// @ts-expect-error
accept<OldRow<typeof shop.Ware>>({ id: 1 })

function rowOf(change: WareChange): Ware | null {
  // Only an insertion has a row whose every value is known.
  if (change.op === 'insert') return change.row
  // @ts-expect-error
  if (change.op === 'update') return change.row
  // @ts-expect-error
  return change.row
}
accept(rowOf)

// Events: pages of whole rows, and changes with their place in the transaction.
type WareEvent = Event<typeof shop.Ware>
accept<WareEvent>({ kind: 'page', rows: [ware] })
accept<WareEvent>({ kind: 'change', ordinal: 0, change: { op: 'insert', row: ware } })
// @ts-expect-error
accept<WareEvent>({ kind: 'page', rows: [{ id: 'only' }] })
// @ts-expect-error
accept<WareEvent>({ kind: 'change', change: { op: 'insert', row: ware } })
// @ts-expect-error
accept<WareEvent>({ kind: 'control' })
