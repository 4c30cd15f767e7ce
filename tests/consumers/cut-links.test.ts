// deadline: 240 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { CONSUMER_LEASE_NAME } from '../../infra/prepare/names.ts'
import { withSession } from '../../infra/postgres/session.ts'
import { type TcpProxy, urlByWayOf, withTcpProxy } from '../tcp-proxy.ts'
import { withDatabase } from '../with-servers.ts'
import { withGateInCopy } from './gate.ts'
import { assertEqual, createShopMonolith, publishShop } from './published-shop.ts'
import { SESSIONS, until, withWaitingConsumer } from './waiting-consumer.ts'
import { failureOf, noticesOf, type TestService, withSales, withSalesIn, withSalesOfOwner } from './with-service.ts'

const CUSTOMERS = 6_000
const NOTICES = {
  away: /^The database of service sales is away \(.*\): waiting for it, up to 1 min\.$/,
  back: /^The database of service sales is back/,
}

/** A published service whose consumer reaches its database by way of the proxy, and everybody else directly. */
async function withProxiedSales(
  use: (service: TestService, proxied: TestService['consume'], proxy: TcpProxy, monolith: string) => Promise<void>,
): Promise<void> {
  await withDatabase(async (monolith) => {
    await createShopMonolith(monolith, CUSTOMERS)
    await withDatabase(async (url) =>
      withTcpProxy(Number(new URL(url).port), async (proxy) =>
        withSalesIn(url, async (service) => {
          await publishShop(service, monolith)
          const consume: TestService['consume'] = async (options) =>
            await service.consumeFrom(urlByWayOf(url, proxy), { maxWaitMs: 60_000, ...options })
          await use(service, consume, proxy, monolith)
        }),
      ),
    )
  })
}

/** Whatever else holds it up for long, the gate among it, is said too. */
const OTHER_WAITS = / waits for PostgreSQL process \d+ /

function assertOneOutage(service: TestService): void {
  const notices = noticesOf(service).filter((text) => !OTHER_WAITS.test(text))
  assert.is(notices.length, 2, notices.join('\n'))
  assert.match(notices[0] ?? '', NOTICES.away)
  assert.match(notices[1] ?? '', NOTICES.back)
}

test('connections that are cut, and refused for a while, are made anew', async () => {
  await withProxiedSales(async (service, consume, proxy, monolith) => {
    await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
      const consuming = consume()
      consuming.catch(() => undefined)
      await gate.reached()
      proxy.refuse(true)
      proxy.cut()
      await sleep(2_000)
      await gate.open()
      proxy.refuse(false)
      await consuming
    })
    await assertEqual(service, monolith)
    assertOneOutage(service)
  })
})

test('connections that fall silent are given up in a bounded time, and what they left on the server is ended', async () => {
  await withProxiedSales(async (service, consume, proxy, monolith) => {
    await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
      const consuming = consume({ answerLimitMs: 2_000 })
      consuming.catch(() => undefined)
      await gate.reached()
      const before = await service.sql(SESSIONS)
      assert.is(before.length, 4, before.join())
      const silentAt = Date.now()
      proxy.silence()
      const said = (pattern: RegExp): boolean => noticesOf(service).some((text) => pattern.test(text))
      await until(async () => said(/is away \(no answer for 2 s\)/), 30_000)
      assert.ok(Date.now() - silentAt < 20_000, 'It took long')
      // The sessions that it left are still there, one of them with the lease.
      await until(async () => said(NOTICES.back), 30_000)
      await gate.open()
      await consuming
    })
    await until(async () => (await service.sql(SESSIONS)).length === 0, 5_000)
    await assertEqual(service, monolith)
    assertOneOutage(service)
  })
})

test('a link that is silent while a connection is made is waited for too', async () => {
  await withProxiedSales(async (service, consume, proxy, monolith) => {
    await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
      const consuming = consume({ answerLimitMs: 1_000 })
      consuming.catch(() => undefined)
      await gate.reached()
      proxy.hold(true)
      await sleep(6_000)
      proxy.hold(false)
      await gate.open()
      await consuming
    })
    await assertEqual(service, monolith)
    assertOneOutage(service)
  })
})

test('a statement that takes longer than an answer may is left in peace', async () => {
  await withProxiedSales(async (service, consume, _, monolith) => {
    await withGateInCopy(service, CUSTOMERS - 1, async (gate) => {
      const consuming = consume({ answerLimitMs: 1_500 })
      consuming.catch(() => undefined)
      await gate.reached()
      await sleep(4_000)
      await gate.open()
      await consuming
    })
    await assertEqual(service, monolith)
    // The gate is a lock, which is said.
    for (const notice of noticesOf(service)) assert.match(notice, /^Service sales waits for PostgreSQL process /)
  })
})

test('a lease that another consumer took meanwhile is not waited for', async () => {
  await withSales(async (service) => {
    await withWaitingConsumer(service, async (consuming) => {
      await withSession(service.database, { purpose: 'consume sales elsewhere' }, async (other) => {
        const waiting = other.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [CONSUMER_LEASE_NAME])
        await service.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'scission consume sales (%'`,
        )
        await waiting
        const { exitCode, message } = await failureOf(consuming)
        assert.is(exitCode, 4)
        assert.match(message, /^Another consumer of service sales is running \(scission consume sales elsewhere/)
      })
    })
  })
})

test('a password that holds no more is not waited for', async () => {
  await withSalesOfOwner(async (service, superuser) => {
    await withWaitingConsumer(service, async (consuming) => {
      const role = new URL(service.database.url).username
      await superuser(
        `ALTER ROLE ${role} PASSWORD 'another'`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`,
      )
      const { exitCode, message } = await failureOf(consuming)
      assert.is(exitCode, 4)
      assert.match(message, /refuses the password of that user/)
    })
  })
})

test('a server that cannot be reached from the beginning is told at once', async () => {
  await withSales(async (service) => {
    const startedAt = Date.now()
    const nowhere = new URL(service.database.url)
    nowhere.port = '1'
    const { exitCode, message } = await failureOf(service.consumeFrom(nowhere.href, {}))
    assert.is(exitCode, 4)
    assert.match(message, /refuses connections: check the host and the port/)
    assert.ok(Date.now() - startedAt < 5_000, 'It took long')
  })
})

test.run()
