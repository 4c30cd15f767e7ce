import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { judgeTable, readTableStates, type TableChange } from '../../publisher/table-states.ts'
import { withDatabase } from '../with-servers.ts'

const TABLE = { name: 'Note', schema: 'public', table: 'Note' } as Entity

const CREATE = 'CREATE TABLE public."Note" (id int PRIMARY KEY, text varchar(20))'

for (const [what, change, ...statements] of [
  [
    'nothing but changes of rows',
    'same',
    `INSERT INTO public."Note" VALUES (2, 'b'); UPDATE public."Note" SET text = 'c'`,
  ],
  ['ANALYZE and VACUUM', 'same', 'ANALYZE public."Note"', 'VACUUM (FREEZE) public."Note"'],
  ['a type that takes the values as they are', 'same', 'ALTER TABLE public."Note" ALTER text TYPE text'],
  ['VACUUM FULL', 'moved', 'VACUUM FULL public."Note"'],
  ['CLUSTER', 'moved', 'CLUSTER public."Note" USING "Note_pkey"'],
  ['TRUNCATE', 'moved', 'TRUNCATE public."Note"'],
  [
    'other values of the same type',
    'rewritten',
    'ALTER TABLE public."Note" ALTER text TYPE varchar(20) USING upper(text)',
  ],
  ['another type', 'rewritten', 'ALTER TABLE public."Note" ALTER id TYPE bigint'],
  ['a volatile default', 'rewritten', 'ALTER TABLE public."Note" ADD at float DEFAULT random()'],
  ['a table made anew', 'replaced', 'DROP TABLE public."Note"', CREATE],
  ['a table that is gone', 'replaced', 'DROP TABLE public."Note"'],
] as readonly (readonly [string, TableChange, ...string[]])[])
  test(`${what}: ${change}`, () =>
    withDatabase(async (url) => {
      const target = { title: 'the monolith', variable: 'TEST_DATABASE_URL', url }
      await withSession(target, { purpose: 'test' }, async (client) => {
        await client.query(`${CREATE}; INSERT INTO public."Note" VALUES (1, 'a')`)
        const before = (await readTableStates(client, [TABLE])).get('public."Note"')
        assert.ok(before)
        for (const statement of statements) await client.query(statement)
        assert.is(judgeTable(before, (await readTableStates(client, [TABLE])).get('public."Note"')), change)
      })
    }))

test.run()
