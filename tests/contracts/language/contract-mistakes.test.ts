import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Column } from '../../../contracts/language/column.ts'
import { type ContractSetDeclaration, contractSet } from '../../../contracts/language/contract-set.ts'
import type { Columns, EntityDeclaration, EntityRules } from '../../../contracts/language/entity.ts'
import { enumeration, integer, text } from '../../../contracts/language/types.ts'

/** As a contract set of plain JavaScript has it: no compiler has looked at its names. */
function unchecked(rules: Partial<EntityRules<string>>, more: Columns = {}): EntityDeclaration<Columns> {
  return { columns: { id: text(), other: text(), maybe: text().nullable(), ...more }, rules: { key: ['id'], ...rules } }
}

const fine = unchecked({})
const reference = { to: 'B', onDelete: 'CASCADE' } as const
const crossing = { on: ['id'], to: 'two.C', onDelete: null } as const
const long = 'é'.repeat(32)

/** What is declared as entity A of service one, beside entity B there and C in service two, and what is said of it. */
const mistakesOfA: readonly (readonly [EntityDeclaration<Columns>, ...string[]])[] = [
  [unchecked({ key: [] }), 'one.A: it has no key'],
  [unchecked({ key: ['ID'] }), 'one.A: its key names the column ID, which it does not have'],
  [unchecked({ key: ['id', 'id'] }), 'one.A: its key names the column id more than once'],
  [unchecked({ key: ['id', 'maybe'] }), 'one.A: its key column maybe is nullable'],
  [
    unchecked({ key: ['made'] }, { made: text().generated('id') }),
    'one.A: its key column made is generated, and so does not travel',
  ],
  [unchecked({ unique: [{ on: ['no'] }] }), 'one.A: index A_no_key names the column no, which it does not have'],
  [unchecked({ indexes: [{ on: ['no'] }] }), 'one.A: index A_no_idx names the column no, which it does not have'],
  [
    unchecked({ references: [{ ...reference, on: ['no'] }] }),
    'one.A: reference A_no_fkey names the column no, which it does not have',
  ],
  [
    unchecked({ references: [{ ...reference, on: ['id'], to: 'C' }] }),
    'one.A: it refers to C, which one does not have',
  ],
  [
    unchecked({ references: [{ ...reference, on: ['id', 'other'] }] }),
    'one.A: its reference to B pairs 2 columns with 1',
  ],
  [unchecked({ references: [{ ...reference, on: [] }] }), 'one.A: its reference to B pairs 0 columns with 1'],
  [
    unchecked({ references: [{ ...reference, on: ['id'], toColumns: ['no'] }] }),
    'one.A: it refers to B.no, which does not exist',
  ],
  [
    unchecked({ references: [{ ...reference, on: ['id'], toColumns: ['other'] }] }),
    'one.A: it refers to B (other), which neither its key nor a unique index holds',
  ],
  [
    unchecked({
      references: [
        { ...reference, on: ['id'], name: 'x' },
        { ...reference, on: ['other'], name: 'x' },
      ],
    }),
    'service one has more than one reference x in A',
  ],
  [
    unchecked({ crossReferences: [{ ...crossing, on: ['no'] }] }),
    'one.A: the reference to two.C names the column no, which it does not have',
  ],
  [
    unchecked({ crossReferences: [{ ...crossing, when: { column: 'no', equals: '' } }] }),
    'one.A: the condition of the reference to two.C names the column no, which it does not have',
  ],
  [unchecked({ crossReferences: [{ ...crossing, to: 'two.D' }] }), 'one.A: it refers to D, which two does not have'],
  [
    unchecked({ crossReferences: [{ ...crossing, to: 'three.D' }] }),
    'one.A: it refers to D, which is in no service of the set',
  ],
  [unchecked({ crossReferences: [{ ...crossing, to: 'one.B' }] }), 'one.A: the reference to B crosses no service'],
  [
    unchecked({ crossReferences: [{ ...crossing, on: ['id', 'other'] }] }),
    'one.A: its reference to C pairs 2 columns with 1',
  ],
  [
    unchecked({ crossReferences: [{ ...crossing, toColumns: ['no'] }] }),
    'one.A: it refers to C.no, which does not exist',
  ],
  [unchecked({ table: long }), `one.A: "${long}" is not a name of 1 to 63 bytes`],
  [unchecked({ table: '' }), 'one.A: "" is not a name of 1 to 63 bytes'],
  [unchecked({ schema: 's'.repeat(64) }), `one.A: "${'s'.repeat(64)}" is not a name of 1 to 63 bytes`],
  [unchecked({ keyName: 'a\0b' }), 'one.A: "a\\u0000b" is not a name of 1 to 63 bytes'],
  [unchecked({ unique: [{ on: ['other'], name: 'a\0c' }] }), 'one.A: "a\\u0000c" is not a name of 1 to 63 bytes'],
  [unchecked({}, { [long]: text() }), `one.A: "${long}" is not a name of 1 to 63 bytes`],
  [unchecked({}, { '\ud800': text() }), 'one.A: "\\ud800" is not a name of 1 to 63 bytes'],
  [
    unchecked({}, { both: integer().default('1').identity('ALWAYS') }),
    'one.A: its column both has more than one of default, generated and identity',
  ],
  [unchecked({}, { number: integer().nullable().identity('ALWAYS') }), 'one.A: its identity column number is nullable'],
  [
    unchecked({ unique: [{ on: ['id', 'other'] }], indexes: [{ on: ['other'], name: 'A_id_other_key' }] }),
    'service one has more than one table or index public."A_id_other_key"',
  ],
  [unchecked({ keyName: 'B' }), 'service one has more than one table or index public."B"'],
  [unchecked({ table: 'C' }), 'table public."C" is claimed 2 times, by one and two'],
  [
    unchecked({}, { first: colourOf('red'), second: colourOf('green') }),
    'service one defines the type public."Colour" in two ways',
  ],
]

for (const [declaration, ...mistakes] of mistakesOfA)
  test(`a mistake is named: ${mistakes.join('; ')}`, () => {
    const services = { one: { A: declaration, B: fine }, two: { C: fine } }
    assert.equal(mistakesIn({ services }), mistakes)
  })

test('a contract set and its services must have usable names and something in them', () => {
  assert.equal(mistakesIn({ services: {} }), ['it has no service'])
  assert.equal(mistakesIn({ services: { one: {} } }), ['service one has no entity'])
  for (const name of ['One', '1st', 'a-b', 'a.b', 'a b', '', `a${'b'.repeat(31)}`])
    assert.equal(mistakesIn({ services: { [name]: { A: fine } } }), [
      `service ${JSON.stringify(name)} must match ^[a-z][a-z0-9_]{0,30}$`,
    ])
  assert.equal(mistakesIn({ services: { [`a${'b'.repeat(30)}`]: { A: fine } } }), [])
})

test("no service takes the monolith's name, whose database URL it would take too", () => {
  assert.equal(mistakesIn({ services: { monolith: { A: fine } } }), [
    "service monolith needs another name, which is not the monolith's",
  ])
})

test('an entity needs a name, which its subjects bear', () => {
  assert.equal(mistakesIn({ services: { one: { '': unchecked({ table: 't' }) } } }), [
    'one.: "" is not a name of 1 to 63 bytes',
  ])
})

test('a table is claimed once: by one service, by one entity of it, or it stays behind', () => {
  assert.equal(mistakesIn({ services: { one: { A: fine, B: unchecked({ table: 'A' }) } } }), [
    'table public."A" is claimed 2 times, by one and one',
  ])
  for (const left of ['A', 'public.A'])
    assert.equal(mistakesIn({ services: { one: { A: fine } }, leftBehind: [left] }), [
      'the table of one.A is claimed and left behind',
    ])
})

test('one name in two schemas, and a dot in a name or between two, are different tables', () => {
  const two = { A: fine, B: unchecked({ table: 'A', schema: 'other' }) }
  const dots = { C: unchecked({ schema: 'a.b', table: 'c' }), D: unchecked({ schema: 'a', table: 'b.c' }) }
  assert.equal(mistakesIn({ services: { one: { ...two, ...dots } }, leftBehind: ['B', 'other.B'] }), [])
})

test('references may go in circles, to the entity itself, and to a unique index in another order', () => {
  const pair = { on: ['other', 'id'], to: 'A', toColumns: ['other', 'id'], onDelete: 'CASCADE' } as const
  const A = unchecked({ unique: [{ on: ['id', 'other'] }], references: [{ ...reference, on: ['id'] }, pair] })
  const B = unchecked({ references: [{ ...reference, to: 'A', on: ['id'] }] })
  assert.equal(mistakesIn({ services: { one: { A, B } } }), [])
})

test('every mistake is reported at once', () => {
  const wrong = mistakesOfA.filter(([, mistake]) => mistake?.startsWith('one.A: '))
  const entities = wrong.map(([declaration], place) => {
    const { rules } = declaration
    return [`A${place}`, { ...declaration, rules: { table: `t${place}`, ...rules } }] as const
  })
  const services = { one: { ...Object.fromEntries(entities), B: fine }, two: { C: fine } }
  const found = mistakesIn({ services, leftBehind: ['C'] })
  assert.is(found.length, wrong.length + 1)
  for (const [place] of wrong.entries())
    assert.is(found.filter((clause) => clause.startsWith(`one.A${place}: `)).length, 1, `A${place}`)
})

function colourOf(label: string): Column<string> {
  return enumeration('Colour', [label])()
}

/** The clauses of the refusal; none where the set is taken. */
function mistakesIn(declaration: ContractSetDeclaration): string[] {
  try {
    contractSet('set', declaration)
    return []
  } catch (error) {
    const [, clauses = ''] = /^The contract set set cannot be used: (.*)\.$/su.exec((error as Error).message) ?? []
    return clauses.split('; ')
  }
}

test.run()
