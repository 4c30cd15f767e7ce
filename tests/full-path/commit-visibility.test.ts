// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLsn } from '../../contracts/positions.ts'
import { isVisible, parseVisibility, type Visibility } from '../../contracts/visibility.ts'
import { runSql, withClient } from '../command-line/shop.ts'
import { failureOf, inTime } from '../publisher/with-log.ts'
import { CLUB, CLUB_TABLES, ID } from './club.ts'
import { type Following, untilComplete, untilFollowed, withFollowing } from './following.ts'
import { commitUnseen, sessionsFor, untilBlocked, withLackingStandby } from './unseen-commit.ts'

/** @param owner what makes a role that owns the tables, as which the monolith is followed. */
async function withClub(
  use: (following: Following, url: string) => Promise<void>,
  owner: readonly string[] = [],
): Promise<void> {
  await withLackingStandby(async (url) => {
    await runSql(url, [...CLUB_TABLES, ...owner])
    const own = Object.assign(new URL(url), owner.length === 0 ? {} : { username: 'owner', password: 'for-a-test' })
    await withFollowing(CLUB, own.href, async (following) => await use(following, url))
  })
}

/** It sees of the sessions of others that they are there, and not what they do. */
const OWNER = [
  `CREATE ROLE owner LOGIN REPLICATION PASSWORD 'for-a-test'`,
  'GRANT CREATE ON DATABASE postgres TO owner',
  ...['Person', 'Card', 'Visit'].map((table) => `ALTER TABLE "${table}" OWNER TO owner`),
]

/** Twice an insert fails, and so does a delete, whose row must be there; an update that is missing shows in the values. */
function changesOf(number: number): string[] {
  const id = ID(1_000 + number)
  return [
    `INSERT INTO "Person" (id, email, age) VALUES (${id}, 'new ${number}', 0)`,
    `UPDATE "Person" SET age = age + 1000 WHERE id = ${ID(number)}`,
    `INSERT INTO "Visit" VALUES (${id}, 'Riga')`,
    `DELETE FROM "Visit" WHERE "personId" = ${ID(number)}`,
  ]
}

const cardsOf = (number: number): string[] => [
  `INSERT INTO "Card" VALUES (${1_000 + number}, ${ID(number)}, 'new')`,
  `DELETE FROM "Card" WHERE id = ${number}`,
]

/** Whether a database has the person that `changesOf` inserts. */
async function hasNew(url: string, number: number): Promise<boolean> {
  return await withClient(url, async (client) => {
    const { rowCount } = await client.query(`SELECT FROM "Person" WHERE id = ${ID(1_000 + number)}`)
    return rowCount === 1
  })
}

const peopleUrl = ({ services }: Following): string =>
  services.find(({ service }) => service.name === 'people')?.database.url ?? ''

/** What the snapshot shows under which the service's people were read. */
async function peopleVisibility(following: Following): Promise<Visibility> {
  return await withClient(peopleUrl(following), async (client) => {
    const { rows } = await client.query<{ snapshot: string }>(
      `SELECT snapshot FROM scission.entity WHERE entity = 'Person'`,
    )
    return parseVisibility(rows[0]?.snapshot ?? '')
  })
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await condition()); await sleep(20))
    assert.ok(Date.now() < deadline, what)
}

const toldOf = ({ published }: Following, pattern: RegExp): boolean =>
  published.some((event) => event.type === 'notice' && pattern.test(event.text))

const pointsOf = ({ published }: Following): string[] =>
  published.flatMap((event) => (event.type === 'epoch-begun' ? [event.consistencyPoint] : []))

/**
 * In the order of the WAL: the first is in the log before its table is read again, and not yet visible; the second is written
 * before the new snapshot is taken and not visible in it, the third behind the second, and visible in it.
 */
async function readAgainMeanwhile(following: Following, url: string): Promise<void> {
  const published = following.follow('end', { maxOutageMs: 60_000 })
  await following.withConsumers(async () => {
    await untilComplete(following)
    const first = await commitUnseen(url, changesOf(1))
    await until('the service has it', async () => await hasNew(peopleUrl(following), 1))
    assert.not.ok(await hasNew(url, 1), 'the monolith does not show it')
    await runSql(url, [`ALTER TABLE "Card" ALTER note TYPE text USING note || '!'`])
    await until('the new snapshot waits for the first', () =>
      toldOf(following, new RegExp(`new snapshot waits for .*${first.pid}`)),
    )
    const second = await commitUnseen(url, [...changesOf(2), ...cardsOf(2)])
    await runSql(url, [...changesOf(3), ...cardsOf(3)])
    const again = untilFollowed(following.published)
    await first.show()
    await inTime(20_000, again)
    assert.not.ok(await hasNew(url, 2), 'the monolith does not show the second when the snapshot is taken')
    const point = parseLsn(pointsOf(following).at(-1) ?? '')
    assert.ok(point > second.behind, 'the second is written before the snapshot is taken')
    await runSql(url, [...changesOf(4), ...cardsOf(4)])
    await second.show()
    await runSql(url, [`UPDATE "Person" SET age = age + 1000 WHERE id = ${ID(2)}`])
    await following.mark('end')
    await inTime(40_000, published)
    await until('the new attempt is loaded', async () => (await peopleVisibility(following)).xmax > second.xid)
    const visibility = await peopleVisibility(following)
    assert.ok(isVisible(visibility, first.xid))
    assert.not.ok(isVisible(visibility, second.xid))
  })
  await following.catchUp()
  await following.assertEqual()
  assert.ok((await following.verify()).verified)
}

test('a table that is read again while commits are written and not yet visible has each of them once', () =>
  withClub(readAgainMeanwhile))

test('so it has where publish may not see what other sessions do', () => withClub(readAgainMeanwhile, OWNER))

/** Whom the making waits for is shown by the snapshot; who begins to commit in the end of it is shown by its own rule. */
test('a slot that is made while commits are written and not yet visible has each of them once, in its snapshot or behind it', () =>
  withClub(async (following, url) => {
    const first = await commitUnseen(url, [...changesOf(1), ...cardsOf(1)])
    const published = following.follow('end')
    await untilBlocked(url, 'publish slot', first)
    const second = await commitUnseen(url, [...changesOf(2), ...cardsOf(2)])
    await first.show()
    await untilBlocked(url, 'publish slot', second)
    const third = await commitUnseen(url, [...changesOf(3), ...cardsOf(3)])
    const begun = untilFollowed(following.published)
    await second.show()
    await inTime(20_000, begun)
    assert.not.ok(await hasNew(url, 3), 'the monolith does not show the third')
    await runSql(url, [...changesOf(4), ...cardsOf(4)])
    await third.show()
    await runSql(url, [`UPDATE "Person" SET age = age + 1000 WHERE id = ${ID(3)}`])
    await following.mark('end')
    await inTime(20_000, published)
    await following.catchUp()
    await following.assertEqual()
    const visibility = await peopleVisibility(following)
    for (const { xid } of [first, second, third]) assert.ok(isVisible(visibility, xid))
  }))

test('verify takes a commit that is not yet visible for no difference: it is late, or equal with it on both sides', () =>
  withClub(async (following, url) => {
    const published = following.follow('end')
    await following.withConsumers(async () => {
      await untilComplete(following)
      const first = await commitUnseen(url, [...changesOf(1), ...cardsOf(1)])
      await until('the service has the first', async () => await hasNew(peopleUrl(following), 1))
      const failure = await inTime(40_000, failureOf(following.verify()))
      assert.is(failure.exitCode, 5)
      assert.match(failure.message, /in 25 s they have not, at the moment that of PostgreSQL process \d+/)
      await until('its session has left', async () => (await sessionsFor(url, 'verify point')) === 0)
      const verifying = following.verify()
      await untilBlocked(url, 'verify point', first)
      const second = await commitUnseen(url, [...changesOf(2), ...cardsOf(2)])
      await first.show()
      await untilBlocked(url, 'verify point', second)
      const third = await commitUnseen(url, [...changesOf(3), ...cardsOf(3)])
      await second.show()
      const report = await inTime(40_000, verifying)
      assert.ok(report.verified)
      assert.ok(parseLsn(report.consistencyPoint) > third.behind, 'the third is written before the point')
      assert.not.ok(await hasNew(url, 3), 'the monolith does not show the third')
      assert.ok(await hasNew(peopleUrl(following), 3))
      await third.show()
      await following.mark('end')
      await inTime(20_000, published)
    })
    await following.catchUp()
    await following.assertEqual()
  }))

test.run()
