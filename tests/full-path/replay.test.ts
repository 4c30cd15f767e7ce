// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql } from '../consumers/with-service.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, withFollowing } from './following.ts'
import { replay, serviceOf } from './replaying.ts'

/** A club that was loaded and has followed changes of every kind. */
async function withChangedClub<Result>(use: (following: Following, url: string) => Promise<Result>): Promise<Result> {
  return await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    return await withFollowing(CLUB, url, async (following) => {
      await following.settle()
      await runSql(url, CHANGES)
      await following.settle()
      return await use(following, url)
    })
  })
}

const CHANGES = [
  `UPDATE "Person" SET age = age + 1 WHERE age % 3 = 0`,
  `DELETE FROM "Person" WHERE age % 17 = 0`,
  `INSERT INTO "Person" (id, email) VALUES (${ID(1001)}, 'new@example.org')`,
  `UPDATE "Card" SET id = id + 10000 WHERE id % 50 = 0`,
  'TRUNCATE "Visit"',
  `INSERT INTO "Visit" SELECT md5(n::text)::uuid, 'Rabat' FROM generate_series(1, 30) AS n`,
]

test('a service that is replayed, and once more, holds what the monolith has, and its consumer goes on from there', () =>
  withChangedClub(async (following, url) => {
    for (const service of ['people', 'places', 'people', 'places']) {
      const outcome = await replay(following, service)
      assert.is(outcome.ending, 'swapped')
      assert.ok(outcome.tables.every(({ equal }) => equal))
      await following.assertEqual()
      await runSql(url, [`UPDATE "Person" SET age = age + 1 WHERE age % 5 = 0`, `DELETE FROM "Card" WHERE id % 7 = 0`])
      await following.settle()
    }
  }))

test('a table that was dropped comes back with its keys, and its consumer goes on', () =>
  withChangedClub(async (following, url) => {
    const { database } = serviceOf(following, 'people')
    await runSql(database.url, ['DROP TABLE "Person" CASCADE'])
    assert.is((await replay(following, 'people')).ending, 'swapped')
    await following.assertEqual()
    await runSql(url, CHANGES.slice(0, 2))
    await following.settle()
  }))

test.run()
