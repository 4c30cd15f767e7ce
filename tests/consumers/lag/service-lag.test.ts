import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager } from 'nats'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createServiceLagReader, readsStream, type ServiceLag } from '../../../consumers/lag/service-lag.ts'
import { isMet } from '../../../consumers/lag/until-applied.ts'
import { withNats } from '../../../infra/nats/connect.ts'
import { keepSessions, type UseSession } from '../../../infra/postgres/kept-sessions.ts'
import { withSession } from '../../../infra/postgres/session.ts'
import { withClient } from '../../command-line/shop.ts'
import { announceAll, Customer, customers, writeSmallSnapshot } from '../complete-snapshot.ts'
import { inserted, send } from '../parked/parked-log.ts'
import { failureOf, type TestService, withSales } from '../with-service.ts'

const LEVEL = { seconds: 0, bound: 'exact' as const }

const lagOf = async (
  { database, nats, prefix, service }: TestService,
  use: UseSession = withSession,
): Promise<ServiceLag> =>
  await withNats(nats, 'test', async (connection) => {
    const manager = async (): Promise<JetStreamManager> => await connection.jetstreamManager()
    const entities = service.entities.map(({ name }) => name)
    const read = createServiceLagReader({ manager, prefix, service: 'sales', entities, database, use })
    return await read({ toLog: LEVEL, now: () => Date.now() }, async () => new Map())
  })

const WAITING = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50)
}

test('a rate is told from the samples of the last seconds, and is none when nothing moves any more', () =>
  withSales(async (service) => {
    const { log, sql } = service
    await writeSmallSnapshot(log)
    assert.is((await lagOf(service)).messagesPerSecond, 0)
    await service.consume()
    assert.equal(await sql('SELECT max(stream_sequence) FROM scission.sample'), [String(await log.length())])
    await sql(
      'DELETE FROM scission.sample',
      `INSERT INTO scission.sample SELECT s, now() - make_interval(secs => 10 - s), s * 30, s * 30, 400 FROM generate_series(0, 10) AS s`,
      `INSERT INTO scission.sample VALUES (15, now() - interval '1 hour', 0, 0, 0)`,
    )
    const { messagesPerSecond } = await lagOf(service)
    assert.ok(messagesPerSecond > 20 && messagesPerSecond <= 30, String(messagesPerSecond))
    await sql(`UPDATE scission.sample SET sampled_at = sampled_at - interval '17 s'`)
    assert.is((await lagOf(service)).messagesPerSecond, 0)
  }))

test('what is parked, and where the consumer stopped, is told; nothing is met by what is parked', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    const before = await lagOf(service)
    assert.equal([before.parked, before.stopped, isMet({ services: [before] }, 0)], [0, null, true])
    await service.sql(
      `INSERT INTO scission.parked_transaction (lsn, state, reason) VALUES ('0/20', 'parked', 'first'), ('0/30', 'chosen', 'second')`,
      `INSERT INTO scission.parked_change (lsn, ordinal, entity, key, change) VALUES ('0/20', 0, 'Customer', '["1"]', '{}')`,
    )
    const lag = await lagOf(service)
    assert.equal([lag.parked, lag.stopped], [1, { position: '0/30', reason: 'second', state: 'chosen' }])
    assert.not.ok(isMet({ services: [lag] }, 60_000))
  }))

test('rows of the snapshot are counted, against those that the manifest has', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const before = (await lagOf(service)).loading
    assert.equal([before.rows, before.expectedRows, before.secondsLeft], [0, null, null])
    await service.consume()
    const { entities, isEstimate, ...loading } = (await lagOf(service)).loading
    assert.equal(loading, { rows: 20, expectedRows: 20, rowsPerSecond: 0, secondsLeft: 0 })
    assert.not.ok(isEstimate)
    assert.equal(
      entities.map(({ entity, rows }) => [entity, rows]),
      [
        ['Customer', 10],
        ['Order', 10],
        ['_Tags', 0],
        ['Account', 0],
      ],
    )
  }))

test('what a consumer met last of what is wrong is told: a server that was away, and why it ended', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    assert.is((await lagOf(service)).lastError, null)
    const ending = new AbortController()
    const running = service.consume({ untilCaughtUp: false, signal: ending.signal })
    running.catch(() => undefined)
    await until(async () => (await lagOf(service)).phase === 'following')
    await service.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name LIKE '%consume sales%'`,
    )
    await until(async () => (await lagOf(service)).lastError !== null)
    const met = (await lagOf(service)).lastError
    assert.match(met?.text ?? '', /^The database of service sales is away \(.*\): waiting for it, up to 10 s\.$/)
    assert.ok((met?.secondsAgo ?? -1) >= 0)
    ending.abort()
    await running.catch(() => undefined)
    assert.is((await lagOf(service)).lastError?.text, met?.text)
    await service.sql(`INSERT INTO "Customer" VALUES (11, 'a stranger')`)
    await send(service, '0/20', { Customer: [inserted(0, 11, 'eleven')] })
    const why = await failureOf(service.consume())
    assert.is((await lagOf(service)).lastError?.text, why.message)
  }))

test('who has stopped is told from who is there, who hangs from who waits', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    assert.is((await lagOf(service)).status, 'stop')
    const ending = new AbortController()
    const running = service.consume({ untilCaughtUp: false, signal: ending.signal })
    running.catch(() => undefined)
    await until(async () => (await lagOf(service)).status === 'ok')
    // It writes a sample each second, also where nothing comes.
    await service.sql('DELETE FROM scission.sample')
    await until(
      async () =>
        (await service.sql('SELECT count(*) FROM scission.sample WHERE read_sequence = last_sequence'))[0] === '2',
    )
    // It hangs at what is locked; the samples are made as old as they would be after a minute.
    const holder = new pg.Client({ connectionString: service.database.url })
    await holder.connect()
    try {
      await holder.query('BEGIN; SELECT FROM scission.checkpoint FOR UPDATE')
      await service.log.control('marker', { name: 'lunch', lsn: '0/90' })
      await until(async () => (await service.sql(WAITING))[0] !== '0')
      await service.sql(`UPDATE scission.sample SET sampled_at = sampled_at - interval '1 minute'`)
      assert.is((await lagOf(service)).status, 'stall')
    } finally {
      await holder.end()
    }
    await until(async () => (await lagOf(service)).messages === 0)
    ending.abort(new Error('ended'))
    await running.catch(() => undefined)
    assert.is((await lagOf(service)).status, 'stop')
  }))

test('the database of another release is refused by its version', () =>
  withSales(async (service) => {
    await service.sql('UPDATE scission.checkpoint SET state_version = 2')
    const { exitCode, message } = await failureOf(lagOf(service))
    assert.is(exitCode, 4)
    assert.match(message, /database of service sales holds Scission's state of version 2, and this release needs 3/)
  }))

test('a look waits no longer than it is worth for a database that does not answer, and the next one is answered again', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    const sessions = keepSessions(500)
    try {
      assert.is((await lagOf(service, sessions.use)).phase, 'waiting')
      await withClient(service.database.url, async (client) => {
        await client.query('BEGIN; LOCK TABLE scission.checkpoint IN ACCESS EXCLUSIVE MODE')
        const failure = await failureOf(lagOf(service, sessions.use))
        assert.is(failure.exitCode, 5)
        assert.match(failure.message, /^The database of service sales has not answered for 0\.5 s: see that /)
        await client.query('ROLLBACK')
      })
      assert.is((await lagOf(service, sessions.use)).phase, 'waiting')
    } finally {
      await sessions.end()
    }
  }))

test('a service that has all pages and waits for those of others has nothing to do, whatever came beside them', () =>
  withSales(async (service) => {
    await service.log.begin()
    await announceAll(service.log)
    await service.log.page(Customer, customers(1, 5))
    await send(service, '0/20', { Customer: [inserted(0, 11, 'eleven')] })
    await send(service, '0/30', { Customer: [inserted(0, 12, 'twelve')] })
    const ending = new AbortController()
    const running = service.consume({ untilCaughtUp: false, signal: ending.signal })
    running.catch(() => undefined)
    const last = await service.log.length()
    await until(async () => (await service.sql('SELECT max(stream_sequence) FROM scission.sample'))[0] === String(last))
    const lag = await lagOf(service)
    assert.equal([lag.phase, lag.status, lag.messages > 0], ['loading', 'ok', true])
    ending.abort()
    await running.catch(() => undefined)
  }))

test('a checkpoint tells nothing of a stream that was made anew under its name', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    const before = await lagOf(service)
    assert.ok(before.isOfStream && before.messages === 0 && isMet({ services: [before] }, 60_000))
    await service.log.remove()
    await service.log.create()
    const empty = await lagOf(service)
    assert.equal([empty.isOfStream, empty.hops.toDatabase.bound], [false, 'at least'])
    // It has as many messages as the one before, and is read from its beginning.
    await writeSmallSnapshot(service.log, 2)
    for (let more = 0; more < before.streamSequence; more += 1)
      await service.log.page(Customer, customers(1, 1), { page: more + 2 })
    const anew = await lagOf(service)
    assert.equal([anew.isOfStream, isMet({ services: [anew] }, 60_000)], [false, false])
    assert.is(anew.messages, await service.log.length())
  }))

test('which epoch a stream has, and where, tells whether a checkpoint is of it', () => {
  const epoch = { sequence: 1, epoch: 1, startedAt: 'then' }
  const checkpoint = { epoch: 1, epochStartedAt: 'then', streamSequence: 50 }
  assert.ok(readsStream(checkpoint, 50, epoch))
  assert.not.ok(readsStream(checkpoint, 49, epoch))
  assert.not.ok(readsStream(checkpoint, 60, null))
  assert.not.ok(readsStream(checkpoint, 60, { ...epoch, startedAt: 'another time' }))
  assert.ok(readsStream(checkpoint, 60, { sequence: 51, epoch: 2, startedAt: 'later' }))
  assert.not.ok(readsStream(checkpoint, 60, { sequence: 50, epoch: 2, startedAt: 'later' }))
  assert.not.ok(readsStream({ ...checkpoint, epoch: 3 }, 60, { ...epoch, sequence: 55, epoch: 2 }))
  assert.ok(readsStream({ epoch: 0, epochStartedAt: null, streamSequence: 0 }, 60, epoch))
})

test.run()
