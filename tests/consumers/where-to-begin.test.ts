import { randomUUID } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withNats } from '../../infra/nats/connect.ts'
import { announceAll, Customer, customers, writeSmallSnapshot } from './complete-snapshot.ts'
import { shop } from './shop.ts'
import { failureOf, type TestService, withSales } from './with-service.ts'

async function refusedWith4({ consume }: TestService, pattern: RegExp, ...of: Parameters<TestService['consume']>) {
  const { exitCode, message } = await failureOf(consume(...of))
  assert.is(exitCode, 4)
  assert.match(message, pattern)
}

test('a database that is not prepared is refused', async () => {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.sql('DROP SCHEMA scission CASCADE')
    await refusedWith4(service, /^The database of service sales is not prepared: run prepare first\.$/)
  })
})

test('a database that is prepared for fewer entities is refused with the one that is missing', async () => {
  await withSales(async (service) => {
    await service.sql(`DELETE FROM scission.entity WHERE entity = 'Account'`)
    await refusedWith4(service, /is not prepared for Account: run prepare again/)
  })
})

test('another service’s database is refused', async () => {
  await withSales(async (service) => {
    await service.sql(`UPDATE scission.checkpoint SET service = 'chat'`)
    await refusedWith4(service, /belongs to service chat of the contract set shop/)
  })
})

test('the database of another prefix or contract set is refused', async () => {
  await withSales(async (service) => {
    const otherSet = { ...shop, name: 'bank' }
    await refusedWith4(service, /belongs to service sales of the contract set shop/, {}, otherSet)
    await service.sql(`UPDATE scission.checkpoint SET prefix = 'staging'`)
    await refusedWith4(service, /with the prefix staging/)
  })
})

test('the state of another release is refused', async () => {
  await withSales(async (service) => {
    await service.sql('UPDATE scission.checkpoint SET state_version = 99')
    await refusedWith4(service, /state of version 99, and this release needs/)
  })
})

test('a service without a stream is refused', async () => {
  await withSales(async (service) => {
    await service.log.remove()
    await refusedWith4(service, /^There is no stream \w+_SALES: run prepare first\.$/)
  })
})

test('rows that nobody loaded are refused before the first epoch, and nothing is changed', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await writeSmallSnapshot(log)
    await sql(
      `INSERT INTO "Customer" VALUES (1, 'mine')`,
      'CREATE INDEX mine ON "Order" (amount)',
      'ALTER TABLE "Account" ADD PRIMARY KEY (id)',
    )
    const state = 'SELECT md5(string_agg(c::text, $$$$)) FROM scission.checkpoint c'
    const before = await sql(state)
    await refusedWith4(service, /table public\."Customer" is not empty, and Scission did not fill it/)
    assert.equal(await sql(state), before)
    assert.equal(await sql(`SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`), [
      'Account_pkey',
      'mine',
    ])
    assert.equal(await sql('SELECT * FROM "Customer"'), ['1|mine|'])
    await sql('TRUNCATE "Customer"')
    assert.is((await service.consume()).loadedRows, 20)
  })
})

test('rows that somebody wrote between the epoch and its first attempt are refused, and stay', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await log.begin()
    await service.consume({ maxWaitMs: 0 }).catch(() => undefined)
    assert.equal(await sql('SELECT phase FROM scission.checkpoint'), ['loading'])
    await sql(`INSERT INTO "Customer" VALUES (1, 'mine')`)
    await announceAll(log)
    await refusedWith4(service, /table public\."Customer" is not empty, and Scission did not fill it/)
    assert.equal(await sql('SELECT * FROM "Customer"'), ['1|mine|'])
  })
})

test('a later epoch of another monolith is refused, and no table is emptied for it', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await writeSmallSnapshot(log)
    await service.consume()
    await log.begin(3, { startedAt: '2024-06-06T00:00:00.000Z', systemId: '8' })
    await announceAll(log)
    await refusedWith4(service, /holds the rows of another monolith \(system identifier \d+\) than the log's \(8\)/)
    assert.equal(await sql('SELECT count(*) FROM "Customer"'), ['10'])
  })
})

test('what an earlier contract had is not waited for', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await sql(`INSERT INTO scission.entity (entity, created) VALUES ('Gone', true)`)
    await writeSmallSnapshot(log)
    assert.is((await service.consume()).loadedRows, 20)
  })
})

test('a stream that is shorter than what was applied is refused', async () => {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    await withNats(service.nats, 'test', async (connection) => {
      const manager = await connection.jetstreamManager()
      const last = await service.log.length()
      // The broker's end of the stream stays where it was, so that the message is what is missing.
      await manager.streams.deleteMessage(service.log.stream, last)
    })
    await refusedWith4(service, /does not hold its message \d+, which service sales has applied/)
  })
})

test('a stream that was made anew is refused, whether it is shorter, longer or empty', async () => {
  await withSales(async (service) => {
    const { log } = service
    await writeSmallSnapshot(log)
    await service.consume()
    await log.remove()
    await log.create()
    await refusedWith4(service, /does not hold: the broker came back with an older store, or was made anew/)
    await log.begin(1, { startedAt: '2024-06-06T00:00:00.000Z' })
    await refusedWith4(service, /loaded from another log, whose epoch 1 began at 2024-01-01.*this one's at 2024-06-06/)
    await announceAll(log)
    for (let page = 0; page < 20; page++) await log.page(Customer, customers(page, 1), { page })
    await refusedWith4(service, /loaded from another log/)
  })
})

test('a stream that came back older, and was written on by another publisher, is read from its beginning by a service that follows', async () => {
  await withSales(async (service) => {
    const { log } = service
    await writeSmallSnapshot(log)
    await service.consume()
    await log.remove()
    await log.create()
    await log.begin(1)
    log.writer = randomUUID()
    await announceAll(log)
    assert.equal(
      [(await service.consume()).loadedRows, await service.sql('SELECT count(*) FROM "Customer"')],
      [0, ['10']],
    )
    // What it says of its place is of this stream from then on.
    assert.equal(await service.sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
    await service.sql(`UPDATE scission.checkpoint SET phase = 'loading', stream_sequence = 1000`)
    await refusedWith4(service, /which stream \w+ does not hold/)
    await service.sql(`UPDATE scission.checkpoint SET phase = 'following'`)
    for (let page = 0; page < 20; page++) await log.page(Customer, customers(page, 1), { page })
    await refusedWith4(service, /behind the manifest that does not count it/)
  })
})

test('a new epoch is followed into a stream that was made anew', async () => {
  await withSales(async (service) => {
    const { log, sql } = service
    await writeSmallSnapshot(log)
    await service.consume()
    await log.remove()
    await log.create()
    await writeSmallSnapshot(log, 2, 'again')
    assert.is((await service.consume()).epoch, 2)
    assert.equal(await sql('SELECT DISTINCT note FROM "Customer"'), ['again'])
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
  })
})

test.run()
