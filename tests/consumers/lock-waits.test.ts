// deadline: 120 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withSession } from '../../infra/postgres/session.ts'
import { writeSmallSnapshot } from './complete-snapshot.ts'
import { until } from './waiting-consumer.ts'
import { failureOf, noticesOf, type TestService, withSales } from './with-service.ts'

/** Probes come three times as often. */
const ANSWER_LIMIT_MS = 900

/** A service that is loaded, and has an index yet to be built on a table to which somebody's open transaction writes. */
async function withHinderedService(use: (service: TestService) => Promise<void>): Promise<void> {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    await service.sql('DROP INDEX "Customer_name_key"', `UPDATE scission.checkpoint SET phase = 'indexing'`)
    await withSession(service.database, { purpose: 'writer' }, async (client) => {
      await client.query('BEGIN')
      await client.query('LOCK TABLE public."Customer" IN ROW EXCLUSIVE MODE')
      await use(service)
    })
    await service.consume()
    assert.equal(await service.sql('SELECT phase FROM scission.checkpoint'), ['following'])
    assert.equal(await service.sql(`SELECT count(*) FROM pg_indexes WHERE indexname = 'Customer_name_key'`), ['1'])
  })
}

test('a consumer that waits for a lock says for whose, once, and goes on when it is let go', async () => {
  let consuming: Promise<unknown> = Promise.resolve()
  let notices: readonly string[] = []
  await withHinderedService(async (service) => {
    const abort = new AbortController()
    consuming = service.consume({ answerLimitMs: ANSWER_LIMIT_MS, maxWaitMs: 60_000, signal: abort.signal })
    consuming.catch(() => undefined)
    await until(async () => noticesOf(service).length > 0, 20_000)
    // Several more probes, none of which must say it again.
    await service.sql('SELECT pg_sleep(1)')
    notices = noticesOf(service)
    abort.abort(new Error('enough'))
    await consuming.catch(() => undefined)
  })
  assert.is(notices.length, 1, notices.join())
  assert.match(
    notices[0] ?? '',
    /^Service sales waits for PostgreSQL process \d+ \(application "scission writer .*", idle in transaction, .*\): let it end, or end it\.$/,
  )
})

test('a wait for a lock ends with 5 after --max-outage, and a later run goes on', async () => {
  await withHinderedService(async (service) => {
    const consuming = service.consume({ answerLimitMs: ANSWER_LIMIT_MS, maxWaitMs: 1_500 })
    const { exitCode, message } = await failureOf(consuming)
    assert.is(exitCode, 5)
    assert.match(message, /^Service sales has waited for PostgreSQL process \d+ .* for longer than --max-outage: /)
  })
})

test('a watcher whose statements are cancelled goes on watching', async () => {
  await withHinderedService(async (service) => {
    const ending = failureOf(service.consume({ answerLimitMs: 150, maxWaitMs: 4_000 }))
    await until(async () => noticesOf(service).length > 0, 3_000)
    // Most come between two statements, and do nothing; some of so many meet one.
    await service.sql(`DO $$
      DECLARE until timestamptz := clock_timestamp() + interval '2 s';
      BEGIN
        WHILE clock_timestamp() < until LOOP
          PERFORM pg_cancel_backend(pid) FROM pg_stat_get_activity(NULL)
            WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND application_name LIKE 'scission consume sales watch %';
          PERFORM pg_stat_clear_snapshot();
        END LOOP;
      END $$`)
    const { exitCode, message } = await ending
    assert.is(exitCode, 5, message)
  })
})

test.run()
