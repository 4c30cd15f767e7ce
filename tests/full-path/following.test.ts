// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql, withClient } from '../command-line/shop.ts'
import { failureOf } from '../publisher/with-log.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { untilComplete, untilFollowed, withFollowing } from './following.ts'

test('inserts, updates, deletes and truncates of a live monolith reach their services', () =>
  withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => {
      await following.settle()
      await runSql(url, [
        `INSERT INTO "Person" (id, email, age, seen, rate, data, photo, bio)
           VALUES (${ID(1000)}, 'new@example.org', 7, '2024-02-29 12:34:56.789', -0, '{"a": [1, null]}', '\\x00ff', '')`,
        `UPDATE "Person" SET age = age + 1`,
        `UPDATE "Person" SET bio = NULL WHERE age < 10`,
        `UPDATE "Person" SET rate = 'NaN', "isAdmin" = true WHERE id = ${ID(3)}`,
        `DELETE FROM "Person" WHERE id = ${ID(4)}`,
        `UPDATE "Card" SET id = id + 100000 WHERE id < 10`,
        `DELETE FROM "Visit" WHERE "personId" = ${ID(5)}`,
        `UPDATE "Visit" SET place = 'Oran' WHERE "personId" = ${ID(6)}`,
        `INSERT INTO "Visit" VALUES (${ID(6)}, 'Fez')`,
      ])
      const outcomes = await following.settle()
      assert.ok(outcomes.reduce((sum, { appliedChanges }) => sum + appliedChanges, 0) > 200)
      await runSql(url, [
        `TRUNCATE "Visit"`,
        `INSERT INTO "Visit" VALUES (${ID(9)}, 'Tunis')`,
        'TRUNCATE "Person" CASCADE',
      ])
      await following.settle()
      assert.is(following.oneByOne(), 0)
    })
  }))

/** Writes one small transaction after another, until it is ended. */
async function writing(url: string, signal: AbortSignal): Promise<number> {
  return await withClient(url, async (client) => {
    let count = 0
    for (; !signal.aborted; count += 1) {
      const [some, other] = [(count % 190) + 5, (count % 50) + 1]
      await client.query(
        `BEGIN; UPDATE "Person" SET age = ${count}, bio = bio || 'x' WHERE id = ${ID(some)};
         INSERT INTO "Card" VALUES (${1_000_000 + count}, ${ID(some)}, 'n');
         ${count % 7 === 0 ? `DELETE FROM "Card" WHERE id = ${1_000_000 + count - 3};` : ''}
         ${count % 5 === 0 ? `UPDATE "Visit" SET place = 'p${count}' WHERE "personId" = ${ID(other)};` : ''} COMMIT`,
      )
    }
    return count
  })
}

test('verify proves the services against the live monolith, while it is written and followed', () =>
  withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    await withFollowing(CLUB, url, async (following) => {
      const stop = new AbortController()
      const published = following.follow('the end')
      await following.withConsumers(async () => {
        await untilFollowed(following.published)
        const written = writing(url, stop.signal)
        await untilComplete(following)
        for (let times = 0; times < 5; times += 1) {
          const report = await following.verify()
          assert.equal([report.verified, report.against], [true, 'monolith'], JSON.stringify(report))
        }
        stop.abort()
        assert.ok((await written) > 50)
        await following.mark('the end')
        await published
      })
      await following.catchUp()
      await following.assertEqual()
      // With nobody writing, publishing or consuming it is proven too.
      assert.ok((await following.verify()).verified)
      const [first] = following.services
      await runSql(first?.database.url ?? '', [`UPDATE "Person" SET age = -1 WHERE id = ${ID(7)}`])
      const report = await following.verify()
      assert.not(report.verified)
      const table = report.services[0]?.tables.find(({ entity: name }) => name === 'Person')
      assert.is(table?.differences.total, 1)
      assert.match(JSON.stringify(table?.differences.rows), '"column":"age"')
      await runSql(url, [`UPDATE "Person" SET age = 1 WHERE id = ${ID(8)}`])
      assert.match((await failureOf(following.verify())).message, /The log does not have all changes of the monolith/)
    })
  }))

test.run()
