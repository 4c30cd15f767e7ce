// deadline: 300 s
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Failure } from '../../contracts/failure.ts'
import { publicationName } from '../../infra/prepare/names.ts'
import type { PublishOutcome } from '../../publisher/events.ts'
import { assertWhole } from './bank-checks.ts'
import { assertNoSessions, type Bank, untilTrue, watchFor, withBank } from './with-bank.ts'
import { failureOf, inTime } from './with-log.ts'

/** A publication whose snapshot is taken, and which waits before it reads anything. */
interface Held {
  readonly bank: Bank
  readonly other: Client
  readonly notices: readonly string[]
  /** Lets it go on, to its end. */
  release(): Promise<PublishOutcome>
}

async function withHeldPublication(use: (held: Held) => Promise<void>, withSlot = true): Promise<void> {
  await withBank({ rows: 200, withSlot }, async (bank) => {
    // It is the smaller one, so that the one reader comes to it last.
    await bank.client.query('DELETE FROM "Purse" WHERE id::int > 50')
    await bank.client.query('VACUUM FULL "Purse"')
    const [locker, other] = [await bank.session(), await bank.session()]
    await locker.query('BEGIN')
    const { watch, notices } = watchFor('notice')
    let isPlanned = false
    const publishing = bank.publish({ readers: 1, withSlot }, (event) => {
      watch(event)
      const isFirstPlan = event.type === 'snapshot-planned' && !isPlanned
      isPlanned ||= isFirstPlan
      // It is locked long before the reader has opened its session.
      if (isFirstPlan) void locker.query('LOCK TABLE "Account" IN ACCESS EXCLUSIVE MODE')
    })
    const settled = publishing.catch(() => undefined)
    try {
      await untilTrue(bank.client, waitsFor('Account'))
      const release = async (): Promise<PublishOutcome> => {
        await locker.query('ROLLBACK')
        return await inTime(20_000, publishing)
      }
      await use({ bank, other, notices, release })
    } finally {
      await locker.query('ROLLBACK')
      await settled
    }
  })
}

function waitsFor(table: string): string {
  return `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"${table}"'::regclass)`
}

async function assertRefused(change: (bank: Bank) => readonly string[], said: RegExp, restore?: string): Promise<void> {
  await withHeldPublication(async ({ bank, other, release }) => {
    for (const statement of change(bank)) await other.query(statement)
    const failure: Failure = await failureOf(release())
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, said)
    assert.is((await bank.read('vault')).manifest, undefined)
    assert.is((await bank.read('wallet')).manifest, undefined)
    if (restore !== undefined) await other.query(restore)
    await bank.publish()
    await assertWhole(bank, 1)
  })
}

/** A table that was rewritten is read again under a new snapshot, and the others stay as they were read. */
async function assertReadAgain(change: (bank: Bank) => readonly string[]): Promise<void> {
  await withHeldPublication(async ({ bank, other, notices, release }) => {
    for (const statement of change(bank)) await other.query(statement)
    assert.is((await release()).outcome, 'closed')
    await assertWhole(bank, 1)
    const told = notices.filter((text) => text.includes('rewritten'))
    assert.equal(told, ['Table public."Purse" was rewritten: it is read again, under a new snapshot.'])
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 2, Coin: 1 })
    await assertNoSessions(bank)
  })
}

async function attemptsOf(bank: Bank): Promise<Record<string, number>> {
  const manifests = await Promise.all(['vault', 'wallet'].map(async (name) => (await bank.read(name)).manifest))
  const totals = manifests.flatMap((manifest) => manifest?.entities ?? [])
  return Object.fromEntries(totals.map(({ entity, attempt }) => [entity, attempt]))
}

test('a table whose column got another type and back while others were read is read again', () =>
  assertReadAgain(() => [
    'ALTER TABLE "Purse" ALTER amount TYPE numeric',
    'ALTER TABLE "Purse" ALTER amount TYPE bigint',
  ]))

test('a table that VACUUM FULL moved is read again', () => assertReadAgain(() => ['VACUUM FULL "Purse"']))

test('a table that CLUSTER moved is read again', () => assertReadAgain(() => ['CLUSTER "Purse" USING "Purse_pkey"']))

test('a table that was truncated, and filled again, is read again', () =>
  assertReadAgain(() => ['TRUNCATE "Purse"', `INSERT INTO "Purse" VALUES ('9', 9, NULL)`]))

test('a table that was dropped and made again is read again', () =>
  assertReadAgain(({ dependencies }) => [
    'DROP TABLE "Purse"',
    'CREATE TABLE "Purse" (id text PRIMARY KEY, amount bigint NOT NULL, note text)',
    `ALTER PUBLICATION ${publicationName(dependencies.prefix)} ADD TABLE ONLY "Purse"`,
  ]))

test('without a slot all tables are read again with one that was rewritten, as of one moment', () =>
  withHeldPublication(async ({ bank, other, release }) => {
    await other.query('VACUUM FULL "Purse"')
    assert.is((await release()).outcome, 'closed')
    await assertWhole(bank, 1)
    assert.equal(await attemptsOf(bank), { Account: 2, Purse: 2, Coin: 2 })
  }, false))

test('a table that got another type for good is read again in vain, and refused by its contract', () =>
  withHeldPublication(async ({ bank, other, release }) => {
    await other.query('ALTER TABLE "Purse" ALTER amount TYPE numeric')
    const failure: Failure = await failureOf(release())
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'Column amount of table public."Purse" is of type numeric')
    await other.query('ALTER TABLE "Purse" ALTER amount TYPE bigint')
    await bank.publish()
    await assertWhole(bank, 1)
  }))

test('a table that is rewritten each time that it is read is given up', () =>
  withBank({ rows: 20 }, async (bank) => {
    const publishing = bank.publish({ readers: 1 }, ({ type }) => {
      // The reader, which goes on behind this, finds another file than its snapshot.
      if (type === 'snapshot-planned') execFileSync('psql', ['-qXc', 'VACUUM FULL "Purse"', bank.url])
    })
    const failure: Failure = await failureOf(inTime(60_000, publishing))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, /^Table public\."Purse" was rewritten 6 times while it was read/)
  }))

test('a column that was dropped and added again is not published with its new values', () =>
  assertRefused(
    () => ['ALTER TABLE "Purse" DROP note', 'ALTER TABLE "Purse" ADD note text'],
    /Column note of table public\."Purse" is another one than when the snapshot was taken/,
  ))

test('a column that has the name of another one now is not published', () =>
  assertRefused(
    () => [
      'ALTER TABLE "Purse" ALTER note SET NOT NULL',
      'ALTER TABLE "Purse" RENAME id TO former',
      'ALTER TABLE "Purse" RENAME note TO id',
      'ALTER TABLE "Purse" RENAME former TO note',
    ],
    /Column id of table public\."Purse" is another one than when the snapshot was taken/,
    'ALTER TABLE "Purse" RENAME id TO former; ALTER TABLE "Purse" RENAME note TO id; ALTER TABLE "Purse" RENAME former TO note',
  ))

test('a column that was dropped ends the publication', () =>
  assertRefused(
    () => ['ALTER TABLE "Purse" DROP note'],
    /Table public\."Purse" was changed while it was read \(column "note" does not exist\)/,
    'ALTER TABLE "Purse" ADD note text',
  ))

test('a column that got another type whose values need no rewriting is not published', () =>
  assertRefused(
    () => ['ALTER TABLE "Purse" ALTER note TYPE varchar'],
    /Column note of table public\."Purse" is another one than when the snapshot was taken/,
    'ALTER TABLE "Purse" ALTER note TYPE text',
  ))

test('what comes into the monolith after the snapshot is told, and does not undo it', () =>
  withHeldPublication(async ({ bank, other, release, notices }) => {
    await other.query('ALTER TABLE "Purse" ADD more text')
    await other.query('CREATE TABLE "New" (id text)')
    assert.is((await release()).outcome, 'closed')
    await assertWhole(bank, 1)
    assert.match(
      // Whoever is slow is also told for whom its reader waits.
      notices.filter((text) => !text.includes(' waits for ')).join(),
      /^The monolith has changed since the snapshot was taken: Table public\."New" is in no contract.* Column more of table public\."Purse" is not in the contract/,
    )
  }))

test('a table that is locked is waited for', () =>
  withHeldPublication(async ({ bank, other, release }) => {
    await other.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    const publishing = release()
    await untilTrue(bank.client, waitsFor('Purse'))
    await sleep(500)
    await other.query('COMMIT')
    assert.is((await publishing).outcome, 'closed')
    await assertWhole(bank, 1)
  }))

test('whoever holds a lock that a reader waits for is named', () =>
  withBank({}, async (bank) => {
    const other = await bank.session()
    const { watch, notices } = watchFor('notice')
    await other.query(`SET application_name = 'migration'; BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE`)
    const publishing = bank.publish({}, watch)
    const ofMigration = (): string[] => notices.filter((text) => text.includes('"migration"'))
    while (ofMigration().length === 0) await sleep(50)
    await other.query('COMMIT')
    await inTime(10_000, publishing)
    assert.match(
      ofMigration().join(),
      /^Publish waits for PostgreSQL process \d+ \(application "migration", idle in transaction, its transaction \d+ s old\): let it end, or end it\.$/,
    )
  }))

test('a table that stays locked for longer than an outage may last ends the publication', () =>
  withBank({}, async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    const failure = await failureOf(inTime(20_000, bank.publish({ maxOutageMs: 6_000 })))
    assert.is(failure.exitCode, 5)
    assert.match(failure.message, 'was held for longer than is waited for')
    await assertNoSessions(bank)
  }))

test.run()
