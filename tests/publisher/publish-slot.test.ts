import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { openSession } from '../../infra/postgres/session.ts'
import { recordSlot } from '../../publisher/slot.ts'
import { assertWhole, logName, slotPoint } from './bank-checks.ts'
import { failureOf, inTime } from './with-log.ts'
import { assertNoSessions, type Bank, untilTrue, withBank } from './with-bank.ts'

/** The making of a slot waits for transactions of the whole server, and no other test's must be among them. */
let server: ReturnType<typeof startEmbeddedPostgres> | undefined
async function withLonelyBank(use: (bank: Bank) => Promise<void>): Promise<void> {
  const { url } = await (server ??= startEmbeddedPostgres({ fsync: false }))
  await withBank({ serverUrl: url }, use)
}

test('a slot that was put on record and never made is made', () =>
  withBank({}, async (bank) => {
    await recordSlot(bank.client, bank.dependencies.prefix, bank.slot, { log: await logName(bank), epoch: 1 })
    await bank.publish()
    await assertWhole(bank, 1)
  }))

test('a slot that a crash left before the log knew it is made again', () =>
  withBank({}, async (bank) => {
    await recordSlot(bank.client, bank.dependencies.prefix, bank.slot, { log: await logName(bank), epoch: 1 })
    await bank.client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bank.slot])
    const point = await slotPoint(bank)
    await bank.client.query(`UPDATE "Purse" SET amount = 5`)
    const outcome = await bank.publish()
    await assertWhole(bank, 1)
    assert.is.not(await slotPoint(bank), point)
    assert.is(await slotPoint(bank), outcome.consistencyPoint)
  }))

test('a slot that went while the snapshot was read is not said to be kept', () =>
  withBank({}, async (bank) => {
    const notices: string[] = []
    const gone: Promise<unknown>[] = []
    const outcome = await bank.publish({}, (event) => {
      if (event.type === 'notice') notices.push(event.text)
      if (event.type === 'epoch-begun') gone.push(bank.client.query('SELECT pg_drop_replication_slot($1)', [bank.slot]))
    })
    await Promise.all(gone)
    assert.is(outcome.outcome, 'closed')
    assert.is(outcome.slot, null)
    assert.match(notices.join('\n'), /What was written since the snapshot cannot be followed: Slot \w+ is gone/)
  }))

test('a slot that nobody, or another log, put on record is left alone', () =>
  withBank({}, async (bank) => {
    await bank.client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bank.slot])
    const point = await slotPoint(bank)
    const { prefix } = bank.dependencies
    for (const record of [null, 'the log of another deployment']) {
      if (record !== null) await recordSlot(bank.client, prefix, bank.slot, { log: record, epoch: 1 })
      const failure = await failureOf(bank.publish())
      assert.is(failure.exitCode, 4)
      assert.match(failure.message, `Slot ${bank.slot} exists and this log does not know it`)
      assert.is(await slotPoint(bank), point)
    }
    // Services may have read epoch 1 of that other log.
    assert.is((await bank.publish({ newEpoch: true })).epoch, 2)
    await assertWhole(bank, 2)
  }))

test('a slot of another database is never touched, not even for a new epoch', () =>
  withBank({}, async (bank) => {
    await withBank({}, async (other) => {
      await other.client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bank.slot])
      for (const newEpoch of [false, true]) {
        const failure = await failureOf(bank.publish({ newEpoch }))
        assert.is(failure.exitCode, 4)
        assert.match(failure.message, `Slot ${bank.slot} exists and is one of database`)
      }
      assert.ok(await slotPoint(bank))
    })
  }))

test('a slot that was replaced for an epoch which never began is not taken for the old one', () =>
  withBank({}, async (bank) => {
    await bank.publish()
    await recordSlot(bank.client, bank.dependencies.prefix, bank.slot, { log: await logName(bank), epoch: 2 })
    await bank.client.query('SELECT pg_drop_replication_slot($1)', [bank.slot])
    await bank.client.query(`UPDATE "Purse" SET amount = 5`)
    await bank.client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bank.slot])
    const failure = await failureOf(bank.publish())
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, `Slot ${bank.slot} was replaced for epoch 2, which did not begin`)
    assert.is((await bank.publish({ newEpoch: true })).epoch, 2)
    await assertWhole(bank, 2)
  }))

test('an aborted making of the slot leaves neither a slot nor a session', () =>
  withLonelyBank(async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; SELECT pg_current_xact_id()')
    const abort = new AbortController()
    const notices: string[] = []
    const publishing = bank.publish({ signal: abort.signal }, (event) => {
      if (event.type !== 'notice') return
      notices.push(event.text)
      abort.abort(new Error('enough'))
    })
    const began = Date.now()
    assert.match(
      String(
        await inTime(
          15_000,
          publishing.catch((error: unknown) => error),
        ),
      ),
      'enough',
    )
    assert.match(
      notices.join(),
      new RegExp(
        `The making of slot ${bank.slot} waits for PostgreSQL process \\d+ \\(no application name, idle in transaction, its transaction \\d+ s old\\): let it end`,
      ),
    )
    assert.ok(Date.now() - began < 10_000)
    await assertNoSessions(bank)
    assert.is(await slotPoint(bank), undefined)
    await other.query('COMMIT')
    await bank.publish()
    await assertWhole(bank, 1)
  }))

test('the making of the slot waits for open transactions, and goes on behind them', () =>
  withLonelyBank(async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; SELECT pg_current_xact_id()')
    let notices = 0
    const outcome = await inTime(
      20_000,
      bank.publish({}, (event) => {
        if (event.type !== 'notice') return
        notices += 1
        void other.query('COMMIT')
      }),
    )
    assert.equal([outcome.outcome, notices], ['closed', 1])
  }))

test('the making of the slot waits no longer than an outage may last', () =>
  withLonelyBank(async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; SELECT pg_current_xact_id()')
    const failure = await failureOf(inTime(15_000, bank.publish({ maxOutageMs: 2_500 })))
    assert.is(failure.exitCode, 5)
    assert.match(
      failure.message,
      new RegExp(`Slot ${bank.slot} could not be made in 2.5 s, since it must wait for PostgreSQL process \\d+`),
    )
    await assertNoSessions(bank)
    assert.is(await slotPoint(bank), undefined)
  }))

test('a making of the slot that outlived its killed publisher is ended by the next one', () =>
  withLonelyBank(async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; SELECT pg_current_xact_id()')
    await recordSlot(bank.client, bank.dependencies.prefix, bank.slot, { log: await logName(bank), epoch: 1 })
    const left = await openSession(bank.dependencies.monolith, { purpose: 'publish slot', replication: true })
    const making = left.query(`CREATE_REPLICATION_SLOT ${bank.slot} LOGICAL pgoutput EXPORT_SNAPSHOT`)
    const broken = making.catch((error: unknown) => error)
    await untilTrue(bank.client, `EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid')`)
    await left.end()
    await broken
    assert.equal(await bank.sessions(), ['publish slot'], 'the server does not wait any more')
    const ended = untilTrue(bank.client, `NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${await pidOf(bank)})`)
    const publishing = bank.publish()
    await ended
    await other.query('COMMIT')
    const outcome = await inTime(20_000, publishing)
    assert.is(outcome.outcome, 'closed')
    await assertWhole(bank, 1)
    await assertNoSessions(bank)
  }))

async function pidOf({ client }: Bank): Promise<string> {
  const { rows } = await client.query<{ pid: string }>(
    `SELECT pid::text FROM pg_stat_activity
      WHERE application_name LIKE 'scission publish slot%' AND datname = current_database()`,
  )
  return rows[0]?.pid ?? '0'
}

test.run()
