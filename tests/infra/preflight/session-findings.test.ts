import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withEmbeddedPostgres } from '../../../infra/embedded/postgres-server.ts'
import { nothingIsPrepared, transactionsAreShort } from '../../../infra/preflight/check-activity.ts'
import type { PreflightContext } from '../../../infra/preflight/context.ts'
import { withTransactionPooler } from '../../transaction-pooler.ts'
import { findingsOf, lineOf } from './findings-of.ts'
import { run, withClient, withShop } from './shop.ts'

/** A little more than a transaction may last unsaid. */
const LONG_MS = 11_500

test('a pooler in the place of PostgreSQL is named, for the monolith and for each service', () =>
  withShop(({ deployment, urls }) =>
    withTransactionPooler(Number(new URL(urls.monolith).port), async (port) => {
      const pooled = (url: string): string => Object.assign(new URL(url), { port: String(port) }).href
      const monolith = { ...deployment.monolith, url: pooled(urls.monolith) }
      assert.equal(await findingsOf({ ...deployment, monolith, services: [] }), [
        'error pooler, the monolith: The URL leads to a connection pooler and not to PostgreSQL itself: it hands a session to another ' +
          'client between two transactions. Give the URL of the server behind it, by its own port (often 5432, where a pooler has 6432).',
      ])
      const services = deployment.services.map((each) => ({
        ...each,
        database: { ...each.database, url: pooled(each.database.url) },
      }))
      const findings = await findingsOf({ ...deployment, services: services.slice(0, 1) })
      assert.equal(
        findings.map((line) => line.slice(0, line.indexOf(':'))),
        ['error pooler, service people'],
      )
    }),
  ))

/** The answer of pgbouncer 1.24 to a start-up option that is not in its ignore_startup_parameters. */
const REFUSAL = 'unsupported startup parameter in options: TimeZone'

test('a pooler that refuses the settings of a session is told from a server that is down', () =>
  withShop(async ({ deployment, urls }) => {
    const fields = `SFATAL\0VFATAL\0C08P01\0M${REFUSAL}\0\0`
    const message = Buffer.alloc(5 + fields.length)
    message.write('E')
    message.writeUInt32BE(4 + fields.length, 1)
    message.write(fields, 5)
    const listener = createServer((socket) =>
      socket.on('error', () => undefined).once('data', () => socket.end(message)),
    )
    await once(listener.listen(0, '127.0.0.1'), 'listening')
    const address = listener.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    try {
      const url = Object.assign(new URL(urls.monolith), { port }).href
      const found = await findingsOf({ ...deployment, monolith: { ...deployment.monolith, url }, services: [] })
      assert.is(found.length, 1)
      assert.match(
        found[0] ?? '',
        /^error pooler, the monolith: .* it refuses the settings with which a session begins\./,
      )
    } finally {
      listener.close()
    }
  }))

test('a transaction that has been open for long is named with whoever has it; a short one is not', () =>
  withShop(async ({ deployment, urls }) => {
    const url = new URL(urls.monolith)
    url.searchParams.set('application_name', 'nightly report')
    await withClient(url.href, async (client) => {
      await client.query('BEGIN; SELECT 1')
      assert.equal(await findingsOf(deployment), [])
      await sleep(LONG_MS)
      const [line, ...others] = await findingsOf(deployment)
      assert.match(
        line ?? '',
        /^warning long-transaction, the monolith: A transaction of postgres \(nightly report, process \d+, idle in transaction\) in database test_\w+ has been open for \d+ s: .*pg_terminate_backend\(\d+\)\.$/,
      )
      assert.equal(others, [])
      assert.equal(await findingsOf(deployment, false), [])
    })
    assert.equal(await findingsOf(deployment), [])
  }))

test('a prepared transaction that nobody ends is refused, since a slot would wait for ever', () =>
  withShop(({ deployment }) =>
    withEmbeddedPostgres({ settings: { max_prepared_transactions: '2' }, fsync: false }, async ({ url }) => {
      const set = { ...deployment.set, services: [] }
      const other = { ...deployment, set, services: [], monolith: { ...deployment.monolith, url } }
      await run(url, "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'it''s mine'")
      assert.not.ok((await findingsOf(other)).some((line) => line.includes('prepared-transaction')))
      await sleep(LONG_MS)
      const [line] = (await findingsOf(other)).filter((found) => found.includes('prepared-transaction'))
      assert.match(
        line ?? '',
        /^error prepared-transaction, the monolith: Transaction 'it''s mine' of database postgres was prepared \d+ s ago .*COMMIT PREPARED 'it''s mine', or ROLLBACK PREPARED\.$/,
      )
    }),
  ))

test('without a slot nobody waits for a transaction', () => {
  const monolith = { openTransactions: [{}], preparedTransactions: [{ gid: 'x' }] }
  const context = { monolith, withSlot: false } as unknown as PreflightContext
  assert.equal([...transactionsAreShort(context), ...nothingIsPrepared(context)].map(lineOf), [])
})

test.run()
