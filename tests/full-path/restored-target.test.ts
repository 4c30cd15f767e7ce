// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runSql, withClient } from '../command-line/shop.ts'
import { withDatabase } from '../with-servers.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, withFollowing } from './following.ts'

async function withClub(use: (following: Following, write: (from: number) => Promise<void>) => Promise<void>) {
  await withDatabase(async (url) => {
    await runSql(url, CLUB_TABLES)
    // What was updated twice, or inserted again, would show.
    const write = async (from: number): Promise<void> => {
      for (let number = from; number < from + 20; number += 1)
        await runSql(url, [
          `UPDATE "Person" SET age = coalesce(age, 0) + ${number} WHERE id = ${ID((number % 190) + 1)};
           INSERT INTO "Card" VALUES (${10_000 + number}, ${ID((number % 190) + 1)}, 'n');
           DELETE FROM "Card" WHERE id = ${9_990 + number}`,
        ])
    }
    await withFollowing(CLUB, url, async (following) => await use(following, write))
  })
}

function peopleUrl({ services }: Following): URL {
  return new URL(services.find(({ service }) => service.name === 'people')?.database.url ?? '')
}

const databaseOf = (url: URL): string => url.pathname.slice(1)

async function asSuperuser(url: URL, statements: readonly string[]): Promise<void> {
  await runSql(Object.assign(new URL(url), { pathname: '/postgres' }).href, statements)
}

async function positionIn(url: URL): Promise<string | null> {
  return await withClient(url.href, async (client) => {
    const { rows } = await client.query<{ lsn: string | null }>('SELECT lsn::text FROM scission.checkpoint')
    return rows[0]?.lsn ?? null
  })
}

/** The service's database as it was, while `use` writes on; then it is put back. */
async function putBackAfter(following: Following, use: () => Promise<void>): Promise<void> {
  const url = peopleUrl(following)
  const [own, copy] = [databaseOf(url), `${databaseOf(url)}_copy`]
  await asSuperuser(url, [`CREATE DATABASE ${copy} TEMPLATE ${own}`])
  try {
    await use()
    await asSuperuser(url, [`DROP DATABASE ${own} WITH (FORCE)`, `ALTER DATABASE ${copy} RENAME TO ${own}`])
  } finally {
    await asSuperuser(url, [`DROP DATABASE IF EXISTS ${copy} WITH (FORCE)`])
  }
}

test('a service whose database is put back from an older copy goes on from the checkpoint in it', () =>
  withClub(async (following, write) => {
    await following.settle()
    await write(1)
    await following.settle()
    const before = await positionIn(peopleUrl(following))
    await putBackAfter(following, async () => {
      await write(100)
      await following.settle()
      assert.is.not(await positionIn(peopleUrl(following)), before)
    })
    assert.is(await positionIn(peopleUrl(following)), before)
    await write(200)
    await following.settle()
    assert.ok((await following.verify()).verified)
  }))

test('one that is put back as it was before its tables were loaded is loaded anew, and the log needs no publisher for it', () =>
  withClub(async (following, write) => {
    await putBackAfter(following, async () => {
      await following.settle()
      await write(1)
      await following.settle()
    })
    assert.is(await positionIn(peopleUrl(following)), null)
    await following.catchUp()
    await following.assertEqual()
  }))

test.run()
