import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { textArray } from '../../../consumers/following/change-sql.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { holds } from '../../contracts/wire/holds.ts'
import { anyText } from '../../contracts/wire/sample-rows.ts'
import { withDatabase } from '../../with-servers.ts'

test('PostgreSQL reads back each text of an array, null and what looks like it', () =>
  withDatabase(async (url) => {
    const sets: (string | null)[][] = [[], [null, 'NULL', '', '"', '\\', '{', '}', ',', ' a ', '\\N', '"\\"']]
    holds(
      200,
      fc.property(fc.array(fc.option(anyText), { maxLength: 6 }), (values) => void sets.push(values)),
    )
    await withSession(
      { title: 'a database', variable: 'TEST_DATABASE_URL', url },
      { purpose: 'test' },
      async (client) => {
        for (const values of sets) {
          const { rows } = await client.query<{ value: string | null }>(
            'SELECT value FROM unnest($1::text[]) WITH ORDINALITY AS t (value, place) ORDER BY place',
            [textArray(values)],
          )
          assert.equal(
            rows.map(({ value }) => value),
            values,
          )
        }
      },
    )
  }))

test.run()
