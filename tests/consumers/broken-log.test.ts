import { encode } from '@msgpack/msgpack'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EPOCH_HEADER, NUMBER_HEADER, WRITER_HEADER } from '../../contracts/wire/headers.ts'
import { announceAll, closeAll, Customer, customers, Order, writeSmallSnapshot } from './complete-snapshot.ts'
import type { HandWrittenLog } from './hand-written-log.ts'
import { entityNamed, olderShop } from './shop.ts'
import { failureOf, type TestService, withSales } from './with-service.ts'

/** Consumes what was written into the log, and gives the sentence and the exit code of the failure that must follow. */
async function refusalOf(
  write: (log: HandWrittenLog, service: TestService) => Promise<void>,
): Promise<{ readonly message: string; readonly exitCode: number; readonly indexes: number }> {
  return await withSales(async (service) => {
    await write(service.log, service)
    const { message, exitCode } = await failureOf(service.consume())
    const [indexes] = await service.sql(`SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'`)
    return { message, exitCode, indexes: Number(indexes) }
  })
}

test('a page before its attempt is refused', async () => {
  const { message, exitCode } = await refusalOf(async (log) => {
    await log.begin()
    await log.page(Customer, customers(1, 1))
  })
  assert.is(exitCode, 4)
  assert.match(message, /sales: the log has a page of Customer, attempt 1 \(epoch 1\), which it did not announce/)
})

test('a manifest that the ledger does not meet is refused with entities and counts, and nothing is indexed', async () => {
  const { message, exitCode, indexes } = await refusalOf(async (log) => {
    await log.begin()
    await announceAll(log)
    await log.page(Customer, customers(1, 5))
    await closeAll(log, { Customer: [2, 10], Order: [1, 3] })
  })
  assert.equal([exitCode, indexes], [4, 0])
  assert.match(message, /Customer has 1 of 2 pages and 5 of 10 rows; Order has 0 of 1 pages and 0 of 3 rows/)
})

test('a manifest that leaves an entity of the contract out is refused', async () => {
  const { message } = await refusalOf(async (log) => {
    await log.begin()
    await announceAll(log)
    await log.manifest([{ entity: 'Customer', attempt: 1, pages: 0, rows: 0 }])
  })
  assert.match(message, /Order is not in it; _Tags is not in it; Account is not in it/)
})

test('an entity that the contract does not have is refused by name', async () => {
  const { message } = await refusalOf(async (log) => {
    await log.begin()
    await log.announce({ ...Customer, name: 'Client' })
  })
  assert.match(message, /rows of Client, which the contract does not have/)
})

test('a gap in the numbers is refused with both sides of it', async () => {
  const { message, exitCode } = await refusalOf(async (log) => {
    await log.begin()
    await log.announce(Customer)
    log.number += 1
    await log.page(Customer, customers(1, 1))
  })
  assert.is(exitCode, 4)
  assert.match(message, /has a gap: message 4 is number 5 of epoch 1, after number 3 of epoch 1/)
})

test('a gap is seen also where a run goes on behind what was applied', async () => {
  const { message } = await refusalOf(async (log, { consume }) => {
    await log.begin()
    await announceAll(log)
    await consume({ maxWaitMs: 0 }).catch(() => undefined)
    log.number += 3
    await log.page(Customer, customers(1, 1))
  })
  assert.match(message, /has a gap: message 10 is number 13 of epoch 1, after number 9 of epoch 1/)
})

test('a message that the stream has lost is refused', async () => {
  const { message, exitCode } = await refusalOf(async (log, { nats }) => {
    await writeSmallSnapshot(log)
    const { withNats } = await import('../../infra/nats/connect.ts')
    await withNats(nats, 'test', async (connection) => {
      const manager = await connection.jetstreamManager()
      await manager.streams.deleteMessage(log.stream, 10)
    })
  })
  assert.is(exitCode, 4)
  assert.match(message, /does not hold its message 10/)
})

for (const [name, headers] of [
  ['without headers', { [EPOCH_HEADER]: '', [NUMBER_HEADER]: '', [WRITER_HEADER]: '' }],
  ['with headers that are no numbers', { [EPOCH_HEADER]: 'x', [NUMBER_HEADER]: '0' }],
] as const)
  test(`a message ${name} is refused as a stranger’s`, async () => {
    const { message, exitCode } = await refusalOf(async (log) => {
      await log.begin()
      await log.send('snapshot.Customer', new Uint8Array([1, 2, 3]), headers)
    })
    assert.is(exitCode, 4)
    assert.match(message, /^Message 2 of stream \w+ was not written by Scission/)
  })

for (const [name, payload] of [
  ['no msgpack', new Uint8Array([0xc1, 0, 1])],
  ['nothing', new Uint8Array(0)],
  ['another map', encode({ hello: 'world' })],
  ['a newer version', encode({ v: 2, kind: 'page' })],
  ['a page that is cut off', encode({ v: 1, kind: 'page', epoch: 1 })],
] as const)
  test(`a message that holds ${name} is refused by its number`, async () => {
    const { message, exitCode } = await refusalOf(async (log) => {
      await log.begin()
      await log.announce(Customer)
      await log.send('snapshot.Customer', payload)
    })
    assert.is(exitCode, 4)
    assert.match(message, /^Service sales: message 4 of stream \w+ cannot be read: .*\.$/)
  })

test('a page whose rows are damaged is refused with its table and its place', async () => {
  const { message, exitCode } = await refusalOf(async (log) => {
    await log.begin()
    await announceAll(log)
    const page = log.pageBytes(Customer, customers(1, 50), { chunk: 3, page: 7 })
    await log.send('snapshot.Customer', page.subarray(0, page.length - 10))
  })
  assert.is(exitCode, 4)
  assert.match(message, /^Table public\."Customer" cannot be filled: .*\(page 1\/3\/7\)/)
})

test('a row that the table does not take is refused with the table, the page and PostgreSQL’s reason', async () => {
  const { message, exitCode } = await refusalOf(async (log, { sql }) => {
    await sql('ALTER TABLE "Customer" ADD CHECK (id <> 7)')
    await log.begin()
    await announceAll(log)
    await log.page(Customer, customers(1, 5), { page: 0 })
    await log.page(Customer, customers(6, 5), { page: 1 })
    await log.page(Customer, customers(11, 5), { page: 2 })
    await closeAll(log, {})
  })
  assert.is(exitCode, 4)
  assert.match(message, /^Table public\."Customer" does not take the rows: .*"Customer_id_check".*\(page 1\/0\/1\)/)
})

test('a row of a table with secrets is refused without showing a value', async () => {
  const { message } = await refusalOf(async (log, { sql }) => {
    const account = entityNamed('Account')
    await sql(`ALTER TABLE "Account" ALTER token TYPE uuid USING NULL`)
    await log.begin()
    await announceAll(log)
    await log.page(account, [[1, 'hunter2', 'plain']])
    await closeAll(log, {})
  })
  assert.match(message, /^Table public\."Account" does not take the rows: .*SQLSTATE 22P02 \(page 1\/0\/0\)/)
  assert.not.match(message, /hunter2/)
})

test('a page behind its manifest is refused', async () => {
  const { message, exitCode } = await refusalOf(async (log) => {
    await writeSmallSnapshot(log)
    await log.page(Customer, customers(500, 1), { page: 9 })
  })
  assert.is(exitCode, 4)
  assert.match(message, /page 1\/0\/9 of Customer behind the manifest/)
})

test('a column that the contract does not have is refused by name', async () => {
  const { message, exitCode } = await withSales(async ({ log, consume, sql }) => {
    await sql(`DELETE FROM scission.entity WHERE entity <> 'Customer'`)
    await log.begin()
    await log.announce(Customer)
    await log.page(Customer, customers(1, 1))
    return await failureOf(consume({}, olderShop))
  })
  assert.is(exitCode, 4)
  assert.match(message, /the log's Customer has a column "note", which the contract does not have/)
})

test('a shape that the log does not describe is refused', async () => {
  const { message } = await refusalOf(async (log) => {
    await log.begin()
    await announceAll(log)
    await log.page(entityNamed('Customer', olderShop), [[1, 'a']])
  })
  assert.match(message, /does not describe the shape [0-9a-f]{16} of its Customer/)
})

test('a shape of another entity is refused', async () => {
  const { message } = await refusalOf(async (log) => {
    await log.begin()
    await announceAll(log)
    await log.page({ ...Order, name: 'Customer', columns: Order.columns }, [[1, 1, null, null]])
  })
  assert.match(message, /does not describe the shape/)
})

test('an epoch of another service is refused', async () => {
  const { message, exitCode } = await refusalOf(async (log) => {
    await log.begin(1, { contractSet: 'bank' })
  })
  assert.is(exitCode, 4)
  assert.match(message, /its stream is that of service sales of the contract set bank/)
})

test.run()
