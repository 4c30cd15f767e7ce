import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet, type Entity } from '../../../contracts/language/contract-set.ts'
import { entity, service } from '../../../contracts/language/entity.ts'
import { integer, text } from '../../../contracts/language/types.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { createTableSql } from '../../../infra/service-database/ddl.ts'
import { createLogTableSql, differingColumnsSql } from '../../../infra/verify/difference-sql.ts'
import { type ColumnRow, columnDifference } from '../../../infra/verify/name-rows.ts'
import { CONTEXT_CHARACTERS, SHOWN_CHARACTERS, visibleText } from '../../../infra/verify/visible-text.ts'
import { withDatabase } from '../../with-servers.ts'
import { target } from './made-by-hand.ts'

const set = contractSet('texts', {
  services: { texts: service({ Text: entity({ id: integer(), value: text() }, { key: ['id'] }) }) },
})
// The set above has one service with one entity.
const textEntity = set.services[0]?.entities[0] as Entity

/** Characters of one to four bytes, some of which share their first bytes. */
const character = fc.constantFrom('a', 'b', ' ', 'é', 'è', '€', '₭', '😀', '😁', '\u{301}')
const texts = fc.array(character, { maxLength: 300 }).map((characters) => characters.join(''))
const pairs = fc
  .tuple(texts, texts, texts)
  .map(([start, left, right]): [string, string] => [start + left, start + right])
  .filter(([left, right]) => left !== right)

function commonCharacters(left: readonly string[], right: readonly string[]): number {
  const first = left.findIndex((one, index) => one !== right[index])
  return first < 0 ? left.length : first
}

/** What `columnDifference` must say, worked out from the whole values. */
function expectedDifference(left: string, right: string): ReturnType<typeof columnDifference> {
  const [lefts, rights] = [[...left], [...right]]
  const alike = commonCharacters(lefts, rights)
  const start = Math.max(0, alike - CONTEXT_CHARACTERS)
  const shown = (characters: string[]): string => {
    const piece = characters.slice(start, start + SHOWN_CHARACTERS).join('')
    const excerpt = { text: piece, cutBefore: start > 0, cutAfter: characters.length > start + SHOWN_CHARACTERS }
    return visibleText(excerpt, alike - start)
  }
  return { column: 'value', expected: shown(lefts), found: shown(rights), character: alike + 1 }
}

test('the first character that differs is found in the server, whatever bytes the characters share', async () => {
  await withDatabase(async (url) => {
    await withSession(target('test', url), { purpose: 'test' }, async (client) => {
      await client.query(createTableSql(textEntity))
      await fc.assert(
        fc.asyncProperty(pairs, async ([left, right]) => {
          await client.query('BEGIN')
          await client.query(createLogTableSql(textEntity))
          await client.query('INSERT INTO pg_temp.scission_log VALUES (1, $1)', [left])
          await client.query('INSERT INTO public."Text" VALUES (1, $1)', [right])
          const { rows: places } = await client.query<{ place: string }>('SELECT ctid AS place FROM public."Text"')
          const { rows } = await client.query<ColumnRow>(differingColumnsSql(textEntity), ['(0,1)', places[0]?.place])
          await client.query('ROLLBACK')
          assert.equal(
            rows.map((row) => columnDifference(textEntity, row)),
            [expectedDifference(left, right)],
          )
        }),
      )
    })
  })
})

test.run()
