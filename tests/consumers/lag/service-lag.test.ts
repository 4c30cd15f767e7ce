import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readServiceLag, type ServiceLag } from '../../../consumers/lag/service-lag.ts'
import { isMet } from '../../../consumers/lag/until-applied.ts'
import { withNats } from '../../../infra/nats/connect.ts'
import { writeSmallSnapshot } from '../complete-snapshot.ts'
import { type TestService, withSales } from '../with-service.ts'

const lagOf = async ({ database, nats, prefix }: TestService): Promise<ServiceLag> =>
  await withNats(nats, 'test', async (connection) => {
    const manager = await connection.jetstreamManager()
    return await readServiceLag({ manager, prefix, service: 'sales', database })
  })

test('a rate is told from the samples of the last seconds, and is none when nothing moves any more', () =>
  withSales(async (service) => {
    const { log, sql } = service
    await writeSmallSnapshot(log)
    assert.is((await lagOf(service)).messagesPerSecond, 0)
    await service.consume()
    assert.equal(await sql('SELECT max(stream_sequence) FROM scission.sample'), [String(await log.length())])
    await sql(
      'DELETE FROM scission.sample',
      `INSERT INTO scission.sample SELECT s, now() - make_interval(secs => 10 - s), s * 30 FROM generate_series(0, 10) AS s`,
      `INSERT INTO scission.sample VALUES (15, now() - interval '1 hour', 0)`,
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
    assert.equal([before.parked, before.stopped, isMet(before, 0)], [0, null, true])
    await service.sql(
      `INSERT INTO scission.parked_transaction (lsn, state, reason) VALUES ('0/20', 'parked', 'first'), ('0/30', 'chosen', 'second')`,
      `INSERT INTO scission.parked_change (lsn, ordinal, entity, key, change) VALUES ('0/20', 0, 'Customer', '["1"]', '{}')`,
    )
    const lag = await lagOf(service)
    assert.equal([lag.parked, lag.stopped], [1, { position: '0/30', reason: 'second' }])
    assert.not.ok(isMet(lag, 60_000))
  }))

test('the database of an earlier release has no rate, and nothing is parked in it', () =>
  withSales(async (service) => {
    await service.sql('DROP TABLE scission.parked_change, scission.parked_transaction, scission.sample')
    const { messagesPerSecond, parked, stopped } = await lagOf(service)
    assert.equal([messagesPerSecond, parked, stopped], [0, 0, null])
  }))

test.run()
