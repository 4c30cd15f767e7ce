import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { text } from '../../contracts/language/types.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { decideReadings, type ForeignKey } from '../../publisher/decide-readings.ts'
import { firstSequence } from '../../publisher/read-stored-pages.ts'
import { type ClosedChunk, NOTHING_READ, type StoredReading } from '../../publisher/stored-readings.ts'

const Sale = entity({ id: text() }, { key: ['id'] })
const Line = entity(
  { id: text(), sale: text() },
  { key: ['id'], references: [{ on: ['sale'], to: 'Sale', onDelete: 'RESTRICT' }] },
)
const Shift = entity({ id: text() }, { key: ['id'] })
const Article = entity({ id: text() }, { key: ['id'] })
const SET = contractSet('shop', {
  services: { till: service({ Sale, Line, Shift }), stock: service({ Article }) },
})

type Facts = Readonly<Record<string, Partial<StoredReading> | undefined>>

const TOTALS = { entity: '', attempt: 1, rows: 0, pages: 0, bytes: 0, digest: '0'.repeat(32) }
const finished = (snapshot = 'old'): Partial<StoredReading> => ({ snapshot, totals: TOTALS })
const begun = (snapshot = 'old'): Partial<StoredReading> => ({ snapshot, totals: null })

/** Of each entity what is done with it, as `Sale keep`. */
function decided(
  facts: Facts,
  {
    kept = null,
    withSlot = true,
    foreignKeys = [],
    changed = [],
  }: { kept?: string | null; withSlot?: boolean; foreignKeys?: ForeignKey[]; changed?: string[] } = {},
): string {
  const stored = new Map(
    SET.services.map((of) => [
      of.name,
      new Map(
        of.entities.flatMap((one) => {
          const given = facts[one.name]
          return given === undefined ? [] : [[one.name, { ...readingOf(shapeHash(shapeOf(one))), ...given }] as const]
        }),
      ),
    ]),
  )
  const entities = SET.services.flatMap((of) => of.entities).filter(({ name }) => changed.includes(name))
  const decisions = decideReadings({
    services: SET.services,
    stored,
    kept,
    withSlot,
    foreignKeys,
    changed: new Set(entities),
  })
  return decisions
    .map(
      ({ entity: { name }, decision }) =>
        `${name} ${decision.kind}${decision.kind === 'read' ? ` ${decision.attempt}` : ''}`,
    )
    .join(', ')
}

function readingOf(shape: string): StoredReading {
  const cut = { blocks: 0, chunks: 1 }
  return {
    attempt: 1,
    sequence: 1,
    shape,
    snapshot: 'old',
    consistencyPoint: '0/1',
    cut,
    closed: new Map(),
    totals: null,
  }
}

test('what no stream knows is read for the first time', () => {
  assert.is(decided({}), 'Sale read 1, Line read 1, Shift read 1, Article read 1')
})

test('under a snapshot that lives, what is finished stays and what is begun goes on', () => {
  const facts = { Sale: finished('now'), Line: begun('now'), Article: begun('now') }
  const expected = 'Sale keep, Line go on, Shift read 1, Article go on'
  assert.is(decided(facts, { kept: 'now' }), expected)
  assert.is(decided(facts, { kept: 'now', withSlot: false }), expected)
})

test('when the snapshot is lost, what is finished stays, and the rest is read again', () => {
  const facts = { Sale: finished(), Line: finished(), Shift: begun(), Article: finished() }
  assert.is(decided(facts), 'Sale keep, Line keep, Shift read 2, Article keep')
})

test('entities that a reference ties together stay together or are read again together', () => {
  const facts = { Sale: finished(), Line: begun(), Shift: finished(), Article: finished() }
  assert.is(decided(facts), 'Sale read 2, Line read 2, Shift keep, Article keep')
  assert.is(decided({ ...facts, Line: finished('another') }), 'Sale read 2, Line read 2, Shift keep, Article keep')
})

test('a foreign key of the monolith ties as a reference of the contract does, within a service alone', () => {
  const facts = { Sale: finished(), Line: finished(), Shift: begun(), Article: finished() }
  const foreignKeys = [
    { from: 'public."Shift"', to: 'public."Sale"' },
    { from: 'public."Article"', to: 'public."Shift"' },
  ]
  assert.is(decided(facts, { foreignKeys }), 'Sale read 2, Line read 2, Shift read 2, Article keep')
})

test('without a slot all is of one snapshot, or is read again', () => {
  const facts = { Sale: finished(), Line: finished(), Shift: finished(), Article: begun() }
  assert.is(decided(facts, { withSlot: false }), 'Sale read 2, Line read 2, Shift read 2, Article read 2')
  const all = { ...facts, Article: finished() }
  assert.is(decided(all, { withSlot: false }), 'Sale keep, Line keep, Shift keep, Article keep')
})

test('an entity whose shape is another one by now is read again', () => {
  const facts = {
    Sale: finished('now'),
    Line: finished('now'),
    Shift: { ...finished('now'), shape: 'f'.repeat(16) },
    Article: finished('now'),
  }
  assert.is(decided(facts, { kept: 'now' }), 'Sale keep, Line keep, Shift read 2, Article keep')
})

test('pages of open chunks are looked for behind what was closed before any reader can have begun them', () => {
  const closedUpTo = (count: number): Map<number, ClosedChunk> =>
    new Map(Array.from({ length: count }, (_, chunk) => [chunk, { ...NOTHING_READ, sequence: 100 + chunk }]))
  assert.is(firstSequence({ sequence: 7, closed: new Map() }), 7)
  assert.is(firstSequence({ sequence: 7, closed: closedUpTo(31) }), 7)
  assert.is(firstSequence({ sequence: 7, closed: closedUpTo(32) }), 100)
  assert.is(firstSequence({ sequence: 7, closed: closedUpTo(132) }), 200)
})

test('a table that was rewritten since is read anew, with those that foreign keys tie to it', () => {
  const all = { Sale: finished(), Line: finished(), Shift: finished(), Article: finished() }
  assert.is(decided(all, { changed: ['Line'] }), 'Sale read 2, Line read 2, Shift keep, Article keep')
  assert.is(decided(all, { changed: ['Article'], kept: 'old' }), 'Sale keep, Line keep, Shift keep, Article read 2')
})

test.run()
