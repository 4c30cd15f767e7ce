// deadline: 240 s
import { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { failureOf, runSql } from '../consumers/with-service.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, withFollowing } from './following.ts'
import { replay, serviceOf } from './replaying.ts'

interface Club {
  readonly following: Following
  /** Runs statements in the monolith, and in the database of service people. */
  readonly monolith: (...statements: readonly string[]) => Promise<string[]>
  readonly people: (...statements: readonly string[]) => Promise<string[]>
  /** Brings what was written into the log, and applies nothing of it. */
  readonly publish: () => Promise<void>
}

async function withClub<Result>(use: (club: Club) => Promise<Result>): Promise<Result> {
  return await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    return await withFollowing(CLUB, url, async (following) => {
      await following.settle()
      await runSql(url, [
        'UPDATE "Person" SET age = age + 1 WHERE age % 3 = 0',
        'DELETE FROM "Person" WHERE age % 17 = 0',
      ])
      await following.settle()
      const { database } = serviceOf(following, 'people')
      let published = 0
      return await use({
        following,
        monolith: async (...statements) => await runSql(url, statements),
        people: async (...statements) => await runSql(database.url, statements),
        publish: async () => {
          const name = `published ${(published += 1)}`
          await following.mark(name)
          await following.follow(name)
        },
      })
    })
  })
}

const CHECKPOINT = 'SELECT epoch, lsn, stream_sequence, phase FROM scission.checkpoint'
const LEFT = `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'scission\\_repla%'`

test('one entity is rebuilt up to exactly where its service stands, and nothing else changes', () =>
  withClub(async ({ following, monolith, people, publish }) => {
    const before = [
      await people(CHECKPOINT),
      await people('SELECT md5(string_agg(p::text, chr(10) ORDER BY id)) FROM "Person" AS p'),
    ]
    // The service knows nothing of these yet.
    await monolith(`UPDATE "Person" SET age = 99`, `INSERT INTO "Person" (id, email) VALUES (${ID(5000)}, 'late')`)
    await publish()
    const [card] = await people(`SELECT '"Card"'::regclass::oid`)
    await people('TRUNCATE "Person" CASCADE')
    await people(`SET session_replication_role = 'replica'`, `INSERT INTO "Card" VALUES (1, ${ID(1)}, 'own')`)
    const outcome = await replay(following, 'people', { entity: 'Person' })
    assert.equal([outcome.ending, outcome.entities], ['swapped', ['Person']])
    assert.equal(
      [
        await people(CHECKPOINT),
        await people('SELECT md5(string_agg(p::text, chr(10) ORDER BY id)) FROM "Person" AS p'),
      ],
      before,
    )
    assert.equal(await people(`SELECT '"Card"'::regclass::oid`, 'SELECT count(*) FROM "Card"'), ['1'])
    assert.equal(await people(`SELECT '"Card"'::regclass::oid`), [card ?? ''])
    assert.equal(
      await people(
        `SELECT conname, convalidated FROM pg_constraint WHERE conrelid = '"Card"'::regclass AND contype = 'f'`,
      ),
      ['Card_personId_fkey|t'],
    )
    await replay(following, 'people', { entity: 'Card', overwrite: true })
    await following.settle()
    assert.equal(await people(LEFT), [])
  }))

test('one entity whose table was dropped comes back, with the foreign keys that went with it', () =>
  withClub(async ({ following, people }) => {
    await people('DROP TABLE "Person" CASCADE')
    assert.is((await replay(following, 'people', { entity: 'Person' })).ending, 'swapped')
    await following.assertEqual()
    await following.settle()
    assert.equal(await people(LEFT), [])
  }))

test('a replay that does not swap leaves the tables in use alone, and the next one catches up and swaps', () =>
  withClub(async ({ following, monolith, people, publish }) => {
    const [table] = await people(`SELECT '"Person"'::regclass::oid`)
    assert.is((await replay(following, 'people', { ending: 'keep' })).ending, 'kept')
    assert.equal(await people(`SELECT '"Person"'::regclass::oid`), [table ?? ''])
    await following.assertEqual()
    await monolith(`UPDATE "Person" SET age = 7 WHERE age % 2 = 0`)
    await publish()
    // The service's consumer goes on meanwhile, as if there were no replay.
    await following.catchUp()
    await monolith(`UPDATE "Person" SET age = 8 WHERE age % 5 = 0`)
    await publish()
    assert.is((await replay(following, 'people')).ending, 'swapped')
    assert.not.equal(await people(`SELECT '"Person"'::regclass::oid`), [table ?? ''])
    await following.assertEqual()
    assert.equal(await people(LEFT), [])
  }))

test('tables on which a view rests are merged: what differs is put right, and the view stays', () =>
  withClub(async ({ following, people }) => {
    await people(
      'CREATE VIEW adults AS SELECT id, email FROM "Person" WHERE age >= 18',
      `UPDATE "Person" SET email = 'damaged ' || email WHERE age % 7 = 0`,
      'DELETE FROM "Card" WHERE id % 9 = 0',
      `INSERT INTO "Card" VALUES (999, ${ID(1)}, 'nobody knows')`,
    )
    const refused = await replay(following, 'people').then(
      () => '',
      (error: Error) => error.message,
    )
    assert.match(refused, /view adults|view public\.adults/)
    assert.match(refused, 'replay people --merge')
    const different = await replay(following, 'people', { ending: 'merge' })
    assert.is(different.ending, 'different')
    const merged = await replay(following, 'people', { ending: 'merge', overwrite: true })
    assert.is(merged.ending, 'merged')
    await following.assertEqual()
    assert.equal(await people('SELECT count(*) > 0 FROM adults'), ['t'])
    assert.equal(await people(LEFT), [])
    await following.settle()
  }))

test('a service that has written to its own tables is left alone, and what differs is named', () =>
  withClub(async ({ following, people }) => {
    await people(
      `UPDATE "Person" SET age = -1 WHERE id = ${ID(5)}`,
      `INSERT INTO "Card" VALUES (777, ${ID(5)}, 'its own')`,
    )
    const outcome = await replay(following, 'people')
    assert.is(outcome.ending, 'different')
    assert.equal(
      outcome.tables.map(({ differences, entity }) => [entity, differences.rows.map(({ kind }) => kind)]),
      [
        ['Person', ['different']],
        ['Card', ['extra']],
      ],
    )
    assert.equal(await people('SELECT note FROM "Card" WHERE id = 777'), ['its own'])
    assert.is((await replay(following, 'people', { overwrite: true })).ending, 'swapped')
    await following.assertEqual()
  }))

test('a service that has written to its tables since they were compared is not replaced', () =>
  withClub(async ({ following, people }) => {
    const writes = [
      `UPDATE "Person" SET age = age WHERE id = ${ID(5)}`,
      `INSERT INTO "Card" VALUES (778, ${ID(5)}, 'its own')`,
      `DELETE FROM "Card" WHERE id = 1`,
    ]
    for (const write of writes) {
      assert.is((await replay(following, 'people', { ending: 'keep' })).ending, 'kept')
      await people(write)
      const refused = await failureOf(replay(following, 'people'))
      assert.is(refused.exitCode, 3)
      assert.match(refused.message, /^Service people has written to (Person|Card) since its tables were compared/)
      assert.match(
        (await failureOf(replay(following, 'people', { ending: 'merge' }))).message,
        'since its tables were compared',
      )
      assert.is((await replay(following, 'people', { overwrite: true })).ending, 'swapped')
      await following.assertEqual()
    }
  }))

test('readers with prepared statements meet no error while their service is replayed again and again', () =>
  withClub(async ({ following }) => {
    const { database } = serviceOf(following, 'people')
    const ended = new AbortController()
    const readers = [
      'SELECT * FROM "Person" WHERE id = $1',
      'SELECT p.email, c.* FROM "Person" p JOIN "Card" c ON c."personId" = p.id WHERE p.id = $1',
    ].map(async (text, index) => {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      await client.query('SET search_path = public')
      let [reads, empty] = [0, 0]
      try {
        while (!ended.signal.aborted) {
          const id = (await client.query<{ id: string }>(`SELECT ${ID(5)} AS id`)).rows[0]?.id
          const { rowCount } = await client.query({ name: `reader ${index}`, text, values: [id] })
          reads += 1
          if (rowCount === 0) empty += 1
        }
      } finally {
        await client.end()
      }
      return { reads, empty }
    })
    try {
      for (let times = 0; times < 3; times += 1) assert.is((await replay(following, 'people')).ending, 'swapped')
    } finally {
      ended.abort()
    }
    for (const { empty, reads } of await Promise.all(readers)) {
      assert.ok(reads > 100, `${reads} reads`)
      assert.is(empty, 0)
    }
  }))

test('a transaction that an operator has set aside is set aside by a replay too', () =>
  withClub(async ({ following, monolith, people, publish }) => {
    await people('ALTER TABLE "Person" ADD CONSTRAINT young CHECK (age < 1000)')
    await monolith(
      `UPDATE "Person" SET age = 5000 WHERE id = ${ID(3)}`,
      `UPDATE "Person" SET age = 50 WHERE id = ${ID(4)}`,
    )
    await publish()
    await following.catchUp().catch(() => undefined)
    await people(`UPDATE scission.parked_transaction SET state = 'chosen'`)
    await following.catchUp()
    const parked = 'SELECT lsn, ordinal, entity, key FROM scission.parked_change'
    const before = await people(parked)
    assert.is(before.length, 1)
    assert.is((await replay(following, 'people')).ending, 'swapped')
    assert.equal(await people(parked), before)
    assert.equal(await people(`SELECT age FROM "Person" WHERE id IN (${ID(3)}, ${ID(4)}) ORDER BY age`), ['4', '50'])
    assert.equal(await people(`SELECT conname FROM pg_constraint WHERE conname = 'young'`), ['young'])
  }))

test.run()
