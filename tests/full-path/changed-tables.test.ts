// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { integer, text } from '../../contracts/language/types.ts'
import { runSql } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilComplete, untilFollowed, withFollowing } from './following.ts'

async function withClub(use: (following: Following, url: string) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => await use(following, url))
  })
}

function rewritten({ published }: Following): string[] {
  return published.flatMap((event) =>
    event.type === 'notice' && / is read again| are read again/.test(event.text) ? [event.text] : [],
  )
}

test('a table whose values ALTER TABLE has changed is read again while it is followed, and no row is stale', () =>
  withClub(async (following, url) => {
    const published = following.follow('altered')
    await following.withConsumers(async () => {
      await untilComplete(following)
      await runSql(url, [
        `ALTER TABLE "Person" ALTER email TYPE text USING upper(email)`,
        `UPDATE "Person" SET age = 7 WHERE id = ${ID(3)}`,
        `INSERT INTO "Visit" VALUES (${ID(3)}, 'Bath')`,
      ])
      await inTime(40_000, untilFollowed(following.published))
      await runSql(url, [`UPDATE "Person" SET age = 8 WHERE id = ${ID(4)}`])
      await following.mark('altered')
      await inTime(40_000, published)
    })
    await following.catchUp()
    await following.assertEqual()
    assert.ok(rewritten(following).some((said) => said.includes('Table public."Person" was rewritten')))
  }))

test('a table that was altered while nobody followed is read again by the next run', () =>
  withClub(async (following, url) => {
    await following.settle()
    await runSql(url, [`ALTER TABLE "Visit" ALTER place TYPE text USING place || '!'`, `UPDATE "Person" SET age = 9`])
    await following.settle()
    assert.ok(rewritten(following).some((said) => said.includes('public."Visit" is void')))
    // Nothing is read again that was merely moved.
    const before = rewritten(following).length
    await runSql(url, ['VACUUM FULL "Person"', `UPDATE "Person" SET age = 10 WHERE id = ${ID(3)}`])
    await following.settle()
    assert.is(rewritten(following).length, before)
  }))

test('a column that is added stops the publisher with its name, and nothing after it is lost', () =>
  withClub(async (following, url) => {
    await following.settle()
    const published = following.follow('never')
    const failing = failureOf(published)
    await untilFollowed(following.published)
    await runSql(url, ['ALTER TABLE "Person" ADD nick text', `UPDATE "Person" SET age = 11`])
    const failure = await inTime(20_000, failing)
    assert.is(failure.exitCode, 4)
    assert.match(
      failure.message,
      'Table public."Person" of the monolith was altered and has a column "nick", which the contract does not have',
    )
    assert.match(
      (await failureOf(following.follow('never'))).message,
      'Column nick of table public."Person" is not in the contract',
    )
    await runSql(url, ['ALTER TABLE "Person" DROP nick'])
    await following.settle()
  }))

test('a table that is made anew is refused until it is prepared, and read anew then', () =>
  withClub(async (following, url) => {
    await following.settle()
    const failing = failureOf(following.follow('never'))
    await untilFollowed(following.published)
    await runSql(url, [
      'ALTER TABLE "Visit" RENAME TO "OldVisit"',
      'CREATE TABLE "Visit" ("personId" uuid NOT NULL, place text NOT NULL)',
      `INSERT INTO "Visit" VALUES (${ID(1)}, 'Riga')`,
    ])
    const failure = await inTime(20_000, failing)
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, /Table public."Visit" of the monolith is not followed any more: .*run prepare/)
  }))

test('deletes of a table without a primary key, swapped unique values and moved keys arrive as they were made', async () => {
  const Seat = entity(
    { id: integer(), place: integer(), note: text().nullable() },
    { key: ['id'], unique: [{ on: ['place'] }] },
  )
  const set = contractSet('hall', { services: { hall: service({ Seat }) } })
  await withDatabase(async (url) => {
    await runSql(url, [
      'CREATE TABLE "Seat" (id int PRIMARY KEY, place int NOT NULL CONSTRAINT seat_place UNIQUE DEFERRABLE, note text)',
      `INSERT INTO "Seat" SELECT n, n, repeat(md5(n::text), 200) FROM generate_series(1, 20) AS n`,
    ])
    await withFollowing(set, url, async (following) => {
      await following.settle()
      await runSql(url, [
        // By way of a third place, as an application without deferred constraints does it.
        `BEGIN; UPDATE "Seat" SET place = -1 WHERE id = 1; UPDATE "Seat" SET place = 1 WHERE id = 2;
         UPDATE "Seat" SET place = 2 WHERE id = 1; COMMIT`,
        // The large value is not in the WAL, and must stay.
        `UPDATE "Seat" SET id = 100 WHERE id = 3`,
        `BEGIN; DELETE FROM "Seat" WHERE id = 4; INSERT INTO "Seat" VALUES (4, 4, 'new'); COMMIT`,
        `BEGIN; UPDATE "Seat" SET id = 500 WHERE id = 5; INSERT INTO "Seat" VALUES (5, 501, NULL); COMMIT`,
      ])
      await following.settle()
      assert.ok(following.oneByOne() > 0, 'the swap was applied one by one')
    })
  })
})

test.run()
