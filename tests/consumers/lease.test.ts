import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NoAnswer } from '../../consumers/database-outage.ts'
import { endFormerSessions } from '../../consumers/end-former-sessions.ts'
import { markAsLoader } from '../../consumers/lease.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { closeAll, writeSmallSnapshot } from './complete-snapshot.ts'
import { SESSIONS, until, withWaitingConsumer } from './waiting-consumer.ts'
import { failureOf, noticesOf, withSales } from './with-service.ts'

test('a second consumer is refused with the name of the first, which goes on', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      const { message, exitCode } = await failureOf(service.consume())
      assert.is(exitCode, 4)
      assert.match(
        message,
        /^Another consumer of service sales is running \(scission consume sales \(.*\), PostgreSQL process \d+/,
      )
      await closeAll(service.log, { Customer: [1, 5] })
      await consuming
    })
  })
})

test('a consumer that loses its lease takes it again, with new sessions, and goes on', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      const pids = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'scission %'`
      const before = new Set(await service.sql(pids))
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'scission consume sales (%'`,
      )
      await until(async () => {
        const now = await service.sql(pids)
        return now.length === before.size && now.every((pid) => !before.has(pid))
      }, 10_000)
      assert.equal(noticesOf(service), [
        'The database of service sales is away (terminating connection due to administrator command): waiting for it, up to 10 s.',
        'The database of service sales is back: going on from what is stored.',
      ])
      await closeAll(service.log, { Customer: [1, 5] })
      await consuming
      assert.equal(await service.sql('SELECT count(*), count(DISTINCT id) FROM "Customer"'), ['5|5'])
    })
    assert.equal(await service.sql(SESSIONS), [])
  })
})

test('a consumer whose loader dies goes on with new sessions', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'scission consume sales loader 2 %'`,
      )
      await until(async () => noticesOf(service).length === 2, 10_000)
      await closeAll(service.log, { Customer: [1, 5] })
      await consuming
      assert.equal(await service.sql('SELECT count(*), count(DISTINCT id) FROM "Customer"'), ['5|5'])
    })
  })
})

test('a loader that outlives its lease keeps the next consumer out, which names it', async () => {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await withSession(service.database, { purpose: 'consume sales loader 7' }, async (loader) => {
      await markAsLoader(loader)
      const { message, exitCode } = await failureOf(service.consume())
      assert.is(exitCode, 4)
      assert.match(
        message,
        /has lost its lease still has a session \(scission consume sales loader 7 .*PostgreSQL process/,
      )
      // One that ends in the meantime is waited for.
      const consuming = service.consume()
      await sleep(500)
      await loader.end()
      assert.is((await consuming).loadedRows, 20)
    })
  })
})

test('a former session that its server cannot end is waited for, and not taken for another consumer', async () => {
  await withSales(async ({ database }) => {
    await withSession(database, { purpose: 'consume sales' }, async (former) => {
      const { rows } = await former.query<{ pid: string; since: string }>(
        'SELECT pid::text, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()',
      )
      const [{ pid, since } = { pid: '', since: '' }] = rows
      former.on('error', () => undefined)
      // As a process that waits for its disk: it takes no signal until that is over.
      process.kill(Number(pid), 'SIGSTOP')
      const known = new Map([[pid, since]])
      await withSession(database, { purpose: 'consume sales' }, async (leader) => {
        const failed = await endFormerSessions(leader, known).catch((error: unknown) => error)
        process.kill(Number(pid), 'SIGCONT')
        assert.instance(failed, NoAnswer)
        await endFormerSessions(leader, known)
        assert.is(known.size, 0)
      })
    })
  })
})

test.run()
