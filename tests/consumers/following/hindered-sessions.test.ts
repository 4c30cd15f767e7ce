// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withSession } from '../../../infra/postgres/session.ts'
import { isConsumed } from '../../../infra/service-database/is-consumed.ts'
import { withDatabase } from '../../with-servers.ts'
import { writeSmallSnapshot } from '../complete-snapshot.ts'
import { withGateInCopy } from '../gate.ts'
import { SESSIONS, until } from '../waiting-consumer.ts'
import { failureOf, noticesOf, runSql, type TestService, withSales, withSalesOfOwner } from '../with-service.ts'
import {
  customersAfter,
  customersOf,
  DROP_FOREIGN_KEYS,
  load,
  lsnOf,
  positionOf,
  sendTransaction,
  untilApplied,
  withFollower,
} from './follower.ts'

const LIMIT_MS = 20_000
const BACK = 'The database of service sales is back: going on from what is stored.'

/** The server asks for each row, by a function of ours. */
async function checkRows({ sql }: TestService, body: string): Promise<void> {
  await sql(
    `CREATE FUNCTION checked() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN true; END $$`,
    'ALTER TABLE "Customer" ADD CONSTRAINT checked CHECK (public.checked()) NOT VALID',
  )
}

const LATE_MS = 40

/** Each of them would strike in the course of the test. */
const STRIKING = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout']

test('neither time-outs nor read-only transactions that are set for the database or the role concern a consumer', () =>
  withSales(async (service) => {
    await load(service)
    const [database] = await service.sql('SELECT quote_ident(current_database())')
    const [version] = await service.sql('SHOW server_version_num')
    const settings = [...STRIKING, ...(Number(version) >= 170_000 ? ['transaction_timeout'] : [])]
    const places = [`DATABASE ${database}`, `ROLE CURRENT_USER IN DATABASE ${database}`]
    await service.sql(
      ...places.flatMap((place) => [
        ...settings.map((setting) => `ALTER ${place} SET ${setting} = '${LATE_MS}ms'`),
        `ALTER ${place} SET default_transaction_read_only = on`,
      ]),
    )
    // A session that is pinned as the consumer's are, since any other would be struck.
    await withSession(service.database, { purpose: 'holder' }, async (holder) => {
      await withFollower(service, async () => {
        await holder.query('BEGIN; LOCK TABLE public."Customer"')
        await sendTransaction(service, 1)
        await holder.query(`SELECT pg_sleep(${(LATE_MS * 5) / 1_000})`)
        await holder.query('COMMIT')
        await until(async () => appliedBy(service) === 1, LIMIT_MS)
        await sendTransaction(service, 2)
        await until(async () => appliedBy(service) === 2, LIMIT_MS)
      })
      for (const place of places) await holder.query(`ALTER ${place} RESET ALL`)
    })
    assert.equal(noticesOf(service), [])
    assert.equal(await customersOf(service), customersAfter([1, 2]))
  }))

function appliedBy({ events }: TestService): number {
  return events.reduce((sum, event) => sum + (event.type === 'changes-applied' ? event.transactions : 0), 0)
}

/**
 * Does it to the session that changes rows, in the midst of a batch.
 * @returns whether it was met there, before so many transactions were applied.
 */
async function strike(
  service: TestService,
  what: 'pg_terminate_backend' | 'pg_cancel_backend',
  sent: number,
): Promise<boolean> {
  const isStruck = async (): Promise<boolean> =>
    (
      await service.sql(
        `SELECT ${what}(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
          AND application_name LIKE 'scission consume sales changes %' AND query ~ '^(INSERT|UPDATE)'`,
      )
    ).length > 0
  let struck = false
  await until(async () => (struck = await isStruck()) || appliedBy(service) >= sent, LIMIT_MS)
  return struck
}

test('sessions that are ended, and statements that are cancelled, in the midst of batches, again and again, cost no row', () =>
  withSales(async (service) => {
    await load(service)
    await checkRows(service, 'PERFORM pg_catalog.pg_sleep(0.05);')
    const sent: number[] = []
    await withFollower(service, async () => {
      for (const what of ['pg_terminate_backend', 'pg_cancel_backend'] as const)
        for (let times = 0; times < 4;) {
          sent.push(sent.length + 1)
          await sendTransaction(service, sent.length)
          // On a machine that is busy a batch may be over before anybody comes to strike it.
          if (await strike(service, what, sent.length)) times += 1
          await untilApplied(service, sent.length)
        }
    })
    assert.equal(await customersOf(service), customersAfter(sent))
    const notices = noticesOf(service)
    assert.is(notices.filter((text) => text === BACK).length, 8, notices.join('\n'))
    const [away, cancelled] = [notices[0], notices.at(-2)]
    assert.match(away ?? '', /^The database of service sales is away \(.*\): waiting for it, up to 20 s\.$/)
    assert.is(
      cancelled,
      'A statement was broken off in the database of service sales (canceling statement due to user request): trying again, up to 20 s.',
    )
  }))

test('a COPY that is cancelled while tables are loaded is made again, and each row is there once', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await withGateInCopy(service, 10, async (gate) => {
      const consuming = service.consume()
      consuming.catch(() => undefined)
      await gate.reached()
      await service.sql(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %'`,
      )
      await until(async () => noticesOf(service).length === 1, LIMIT_MS)
      await gate.open()
      await consuming
    })
    assert.match(noticesOf(service)[0] ?? '', /^A statement was broken off in the database of service sales /)
    assert.is(noticesOf(service).at(-1), BACK)
    assert.equal(await customersOf(service), customersAfter([]))
  }))

test('statements that are broken off each time end the consumer with 5 after --max-outage, and say nothing of the row', () =>
  withSales(async (service) => {
    await load(service)
    // As a proxy's own time-out does it, which no setting of a session undoes.
    await checkRows(service, `RAISE 'canceling statement due to statement timeout' USING ERRCODE = '57014';`)
    await withFollower(
      service,
      async (follower) => {
        await sendTransaction(service, 1)
        const { exitCode, message } = await follower.refusal()
        assert.is(exitCode, 5)
        assert.is(
          message,
          'Statements have been broken off in the database of service sales for 1 s (canceling statement due to statement timeout): see who, or which time-out, breaks them off, then run consume again; it goes on from where it was.',
        )
      },
      { maxWaitMs: 1_000 },
    )
    assert.equal(await service.sql('SELECT count(*) FROM scission.parked_transaction'), ['0'])
    await service.sql('ALTER TABLE "Customer" DROP CONSTRAINT checked')
    await service.consume()
    assert.equal(await customersOf(service), customersAfter([1]))
  }))

/** Somebody's session that has the table to itself. */
async function withTableLocked(service: TestService, use: () => Promise<void>): Promise<void> {
  await withSession(service.database, { purpose: 'migration' }, async (holder) => {
    await holder.query('BEGIN; LOCK TABLE public."Customer" IN ACCESS EXCLUSIVE MODE')
    await use()
    await holder.query('COMMIT')
  })
}

test('a table that somebody locks is waited for, by name, with the lease in hand; Ctrl-C ends the wait', () =>
  withSales(async (service) => {
    await load(service)
    const waits = (): string[] => noticesOf(service).filter((text) => text.startsWith('Service sales waits for '))
    await withFollower(
      service,
      async (follower) => {
        await withTableLocked(service, async () => {
          await sendTransaction(service, 1)
          await until(async () => waits().length === 1, LIMIT_MS)
          assert.match(waits()[0] ?? '', /PostgreSQL process \d+ \(application "scission migration .*\): let it end/)
          assert.ok(await withSession(service.database, { purpose: 'test' }, isConsumed))
          assert.match((await failureOf(service.consume())).message, /^Another consumer of service sales is running /)
        })
        await untilApplied(service, 1)
        await withTableLocked(service, async () => {
          await sendTransaction(service, 2)
          await until(async () => waits().length === 2, LIMIT_MS)
          const interruptedAt = Date.now()
          await follower.interrupt()
          assert.ok(Date.now() - interruptedAt < 5_000, 'It took long')
          // The server sees in a second that nobody waits any more.
          await until(async () => (await service.sql(SESSIONS)).length === 1, LIMIT_MS)
        })
      },
      { answerLimitMs: 3_000 },
    )
    assert.is(await positionOf(service), lsnOf(1))
    await service.consume()
    assert.equal(await customersOf(service), customersAfter([1, 2]))
  }))

/** How much passed, or was seen at work, as the latest samples tell it; the oldest first. */
async function trafficOf(service: TestService): Promise<readonly string[]> {
  return await service.sql('SELECT traffic FROM scission.sample ORDER BY sampled_at')
}

test('a statement that takes long is work, and one that waits for a lock is none', () =>
  withSales(async (service) => {
    await load(service)
    await checkRows(service, 'PERFORM pg_catalog.pg_sleep(2);')
    await withFollower(
      service,
      async () => {
        await sendTransaction(service, 1)
        await until(async () => (await service.sql(SLEEPING)).length === 1, LIMIT_MS)
        const [before] = (await trafficOf(service)).slice(-1)
        await until(async () => (await trafficOf(service)).at(-1) !== before, LIMIT_MS)
        assert.is((await service.sql(SLEEPING)).length, 1)
        await untilApplied(service, 1)
        await service.sql('ALTER TABLE "Customer" DROP CONSTRAINT checked')
        await withTableLocked(service, async () => {
          await sendTransaction(service, 2)
          await until(async () => noticesOf(service).some((text) => text.includes(' waits for ')), LIMIT_MS)
          const seen = (await trafficOf(service)).length
          await until(async () => new Set((await trafficOf(service)).slice(-3)).size === 1 && seen > 0, LIMIT_MS)
        })
        await untilApplied(service, 2)
      },
      { answerLimitMs: 3_000 },
    )
  }))

const SLEEPING = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`

const END_LEADER = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'scission consume sales (%'`

test('connections that are used up are waited for; another password, or another name of the database, is refused by name', () =>
  withSalesOfOwner(async (service, superuser) => {
    await load(service)
    await superuser(DROP_FOREIGN_KEYS)
    const [role] = await service.sql('SELECT quote_ident(current_user)')
    const [database] = await service.sql('SELECT quote_ident(current_database())')
    const limit = async (count: number): Promise<unknown> => superuser(`ALTER ROLE ${role} CONNECTION LIMIT ${count}`)
    const untilNotices = async (count: number): Promise<void> =>
      await until(async () => noticesOf(service).length === count, LIMIT_MS)
    await withFollower(service, async (follower) => {
      await limit(0)
      await superuser(END_LEADER)
      await untilNotices(1)
      await sendTransaction(service, 1)
      await limit(-1)
      await untilApplied(service, 1)
      assert.is(noticesOf(service)[1], BACK)
      await superuser(`ALTER ROLE ${role} PASSWORD 'other'`)
      await sendTransaction(service, 2)
      await until(async () => (await superuser('SELECT lsn FROM scission.checkpoint'))[0] === lsnOf(2), LIMIT_MS)
      await superuser(END_LEADER)
      const { exitCode, message } = await follower.refusal()
      assert.is(exitCode, 4)
      assert.match(
        message,
        /^The database of service sales \(SALES_DATABASE_URL, .*\) refuses the password of that user: correct the URL\.$/,
      )
      assert.not.match(message, 'other')
    })
    await superuser(`ALTER ROLE ${role} PASSWORD '${role}'`)
    await withFollower(service, async (follower) => {
      await limit(0)
      await superuser(END_LEADER)
      await untilNotices(4)
      await withDatabase(async (url) => {
        await runSql(url, [`ALTER DATABASE ${database} RENAME TO ${database}_other`])
        // From another database, while the service's has another name.
        await runSql(url, [`ALTER ROLE ${role} CONNECTION LIMIT -1`])
        const { exitCode, message } = await follower.refusal()
        assert.is(exitCode, 4)
        assert.match(
          message,
          /^The database of service sales \(SALES_DATABASE_URL, .*\) has no database of that name: create it, or correct the URL\.$/,
        )
        await runSql(url, [`ALTER DATABASE ${database}_other RENAME TO ${database}`])
      })
    })
    await sendTransaction(service, 3)
    await service.consume()
    assert.equal(await customersOf(service), customersAfter([1, 2, 3]))
  }))

test.run()
