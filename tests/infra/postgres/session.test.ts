import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Failure } from '../../../contracts/failure.ts'
import { openSession, type PostgresTarget, withSession } from '../../../infra/postgres/session.ts'
import { isSessionLoss, sessionFailure } from '../../../infra/postgres/session-failure.ts'
import { failureOf, inTime } from '../../publisher/with-log.ts'
import { withDatabase } from '../../with-servers.ts'

const PINNED = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '3',
  row_security: 'off',
  search_path: 'pg_catalog',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  client_encoding: 'UTF8',
}

function targetOf(url: string): PostgresTarget {
  return { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
}

async function settingsOf(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    `SELECT name, current_setting(name) AS setting FROM unnest('{${Object.keys(PINNED).join(',')}}'::text[]) AS name`,
  )
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

/** Sessions of ours in the database, but the one that asks. */
async function sessionsIn(client: Client): Promise<string[]> {
  // In a transaction what was seen first would be seen for ever.
  await client.query('SELECT pg_stat_clear_snapshot()')
  const { rows } = await client.query<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')`,
  )
  return rows.map(({ name }) => name)
}

async function untilAlone(client: Client, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  for (let left = await sessionsIn(client); left.length > 0; left = await sessionsIn(client)) {
    if (Date.now() > deadline) throw new Error(`These sessions are left: ${left.join(', ')}`)
    await sleep(50)
  }
}

test('a session is pinned, whatever is set for its database and its role', () =>
  withDatabase(async (url) => {
    await withSession(targetOf(url), { purpose: 'test' }, async (client) => {
      const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
      for (const setting of [
        `TimeZone = 'Asia/Kathmandu'`,
        `DateStyle = 'SQL, DMY'`,
        `IntervalStyle = 'iso_8601'`,
        `bytea_output = 'escape'`,
        `extra_float_digits = 0`,
        `search_path = 'public'`,
        `statement_timeout = '100ms'`,
        `lock_timeout = '100ms'`,
        `idle_in_transaction_session_timeout = '100ms'`,
        `idle_session_timeout = '100ms'`,
      ]) {
        await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${setting}`)
        await client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${rows[0]?.name} SET ${setting}`)
      }
    })
    for (const replication of [false, true]) {
      const client = await openSession(targetOf(url), { purpose: 'test', replication })
      try {
        assert.equal(await settingsOf(client), PINNED)
        await sleep(250)
        await client.query('SELECT pg_sleep(0.25)')
      } finally {
        await client.end()
      }
    }
  }))

test('what a URL sets does not undo what is pinned, and its own options hold beside it', () =>
  withDatabase(async (url) => {
    const asked = new URL(url)
    asked.searchParams.set('options', '-c search_path=public -c TimeZone=Asia/Kathmandu -c work_mem=5MB')
    asked.searchParams.set('application_name', 'mine')
    asked.searchParams.set('statement_timeout', '100')
    asked.searchParams.set('lock_timeout', '100')
    asked.searchParams.set('query_timeout', '100')
    asked.searchParams.set('idle_in_transaction_session_timeout', '100')
    asked.searchParams.set('client_encoding', 'LATIN1')
    asked.searchParams.set('connect_timeout', '5')
    await withSession(targetOf(asked.href), { purpose: 'test' }, async (client) => {
      assert.equal(await settingsOf(client), PINNED)
      await client.query('SELECT pg_sleep(0.25)')
      const { rows } = await client.query<{ work_mem: string; application_name: string }>(
        `SELECT current_setting('work_mem') AS work_mem, current_setting('application_name') AS application_name`,
      )
      assert.is(rows[0]?.work_mem, '5MB')
      assert.match(rows[0]?.application_name ?? '', /^scission test \(/)
    })
  }))

test('a signal breaks a session off in the middle of a statement, and the server ends it soon', () =>
  withDatabase(async (url) => {
    await withSession(targetOf(url), { purpose: 'looks on' }, async (other) => {
      const controller = new AbortController()
      const { signal } = controller
      const sleeping = withSession(targetOf(url), { purpose: 'test', signal }, async (client) => {
        await client.query('SELECT pg_sleep(60)')
      })
      const ending = sleeping.catch((error: unknown) => error)
      await sleep(200)
      assert.is((await sessionsIn(other)).length, 1)
      controller.abort(new Error('enough'))
      assert.match(String(await inTime(1_000, ending)), 'enough')
      await untilAlone(other, 3_000)
    })
  }))

test('a signal breaks a session off that waits for a lock, and the server ends it soon', () =>
  withDatabase(async (url) => {
    await withSession(targetOf(url), { purpose: 'locks' }, async (other) => {
      await other.query('CREATE TABLE public.t ()')
      await other.query('BEGIN; LOCK TABLE public.t')
      const controller = new AbortController()
      const { signal } = controller
      const waiting = withSession(targetOf(url), { purpose: 'test', signal }, async (client) => {
        await client.query('SELECT FROM public.t')
      })
      const ending = waiting.catch((error: unknown) => error)
      await sleep(200)
      controller.abort(new Error('enough'))
      assert.match(String(await inTime(1_000, ending)), 'enough')
      await untilAlone(other, 3_000)
    })
  }))

test('a certificate file that is not there is told like a server that cannot be reached, without the password', async () => {
  const url = 'postgres://user:secret@127.0.0.1:5432/shop?sslmode=verify-full&sslrootcert=/nowhere/ca.pem'
  const failure = await failureOf(openSession(targetOf(url), { purpose: 'test' }))
  assert.is(failure.exitCode, 4)
  assert.match(failure.message, /cannot be reached: ENOENT: .*'\/nowhere\/ca\.pem'\.$/)
  assert.not.match(failure.message, 'secret')
})

test('a signal that is aborted already opens no session', () =>
  withDatabase(async (url) => {
    const signal = AbortSignal.abort(new Error('enough'))
    for (const opening of [
      openSession(targetOf(url), { purpose: 'test', signal }),
      withSession(targetOf(url), { purpose: 'test', signal }, async () => undefined),
    ])
      assert.match(String(await opening.catch((error: unknown) => error)), 'enough')
  }))

test('a signal breaks off the opening of a session by a server that does not answer', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  try {
    const address = silent.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const controller = new AbortController()
    const { signal } = controller
    const target = targetOf(`postgres://postgres:x@127.0.0.1:${port}/x`)
    const opening = openSession(target, { purpose: 'test', signal }).catch((error: unknown) => error)
    await sleep(200)
    controller.abort(new Error('enough'))
    assert.match(String(await inTime(1_000, opening)), 'enough')
  } finally {
    silent.close()
  }
})

test('a session that the server ends is told as a lost connection, with the way out', () =>
  withDatabase(async (url) => {
    await withSession(targetOf(url), { purpose: 'ends it' }, async (other) => {
      await withSession(targetOf(url), { purpose: 'test' }, async (client) => {
        const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid()::text AS pid')
        const failing = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error)
        await other.query('SELECT pg_terminate_backend($1::int)', [rows[0]?.pid])
        const error = await inTime(5_000, failing)
        assert.ok(isSessionLoss(error))
        const failure = sessionFailure(targetOf(url), error, 'run it again')
        assert.instance(failure, Failure)
        assert.match(
          String(failure),
          /The connection to the monolith \(MONOLITH_DATABASE_URL, .*\) was lost \(.*administrator command\): see that the server runs, then run it again\./,
        )
        // Whatever comes after it says the same.
        const next = await client.query('SELECT 1').catch((reason: unknown) => reason)
        assert.ok(isSessionLoss(next), String(next))
      })
    })
  }))

test('a statement that fails is told with what PostgreSQL says, and without the password', () =>
  withDatabase(async (url) => {
    const error = await withSession(targetOf(url), { purpose: 'test' }, async (client) => {
      await client.query('SELECT 1/0')
    }).catch((reason: unknown) => reason)
    const failure = await failureOf(Promise.reject(sessionFailure(targetOf(url), error, 'run it again')))
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'division by zero (SQLSTATE 22012); put that right, then run it again.')
    const password = decodeURIComponent(new URL(url).password)
    assert.ok(password.length > 8 && !failure.message.includes(password))
  }))

test('what is no error of a session is left as it is', () => {
  const defect = new TypeError('x is not a function')
  const refused = new Failure(2, 'no')
  assert.is(sessionFailure(targetOf('postgres://h/d'), defect, 'run it again'), defect)
  assert.is(sessionFailure(targetOf('postgres://h/d'), refused, 'run it again'), refused)
  assert.ok(isSessionLoss(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })))
  assert.not.ok(isSessionLoss(defect))
})

test('the server probes a client that says nothing, so that no session of a vanished machine holds a lock for hours', () =>
  withDatabase(async (url) => {
    const target = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
    await withSession(target, { purpose: 'test' }, async (client) => {
      const { rows } = await client.query(
        `SELECT current_setting('tcp_keepalives_idle') AS idle, current_setting('tcp_keepalives_interval') AS interval,
                current_setting('tcp_keepalives_count') AS count`,
      )
      assert.equal(rows, [{ idle: '10', interval: '5', count: '4' }])
    })
  }))

test.run()
