import { randomUUID } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { integer, text } from '../../contracts/language/types.ts'
import { encodeControl } from '../../contracts/wire/encode-message.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import * as ddl from '../../infra/service-database/ddl.ts'
import { announceAll, closeAll, Customer, customers } from './complete-snapshot.ts'
import type { HandWrittenLog } from './hand-written-log.ts'
import { entityNamed } from './shop.ts'
import { failureOf, withSales } from './with-service.ts'

const PART_BYTES = 1_000
const NOTE = 'x'.repeat(5_000)
const PAGE = 'snapshot.Customer'

async function begin(log: HandWrittenLog): Promise<Uint8Array[]> {
  await log.begin()
  await announceAll(log)
  return log.parts(log.pageBytes(Customer, customers(1, 1, NOTE)), PART_BYTES, '1/Customer/1/0/0')
}

test('parts are put together in whatever order they come, between other messages', async () => {
  await withSales(async ({ log, consume, sql }) => {
    const parts = await begin(log)
    const other = log.parts(log.pageBytes(Customer, customers(2, 1, NOTE), { page: 1 }), PART_BYTES)
    for (const [index, part] of parts.toReversed().entries()) {
      await log.send(PAGE, part)
      const beside = other[index]
      if (beside !== undefined) await log.send(PAGE, beside)
      await log.page(Customer, customers(10 + index, 1), { page: 10 + index })
    }
    await closeAll(log, { Customer: [2 + parts.length, 2 + parts.length] })
    await consume()
    assert.equal(await sql('SELECT count(*), sum(length(note)) FROM "Customer"'), [`${2 + parts.length}|10000`])
  })
})

test('a part that comes twice, and a message that comes again whole, change nothing', async () => {
  await withSales(async ({ log, consume, sql }) => {
    const parts = await begin(log)
    for (const part of parts) for (let time = 0; time < 2; time++) await log.send(PAGE, part)
    for (const part of parts) await log.send(PAGE, part)
    await closeAll(log, { Customer: [1, 1] })
    await consume()
    assert.equal(await sql('SELECT count(*), sum(length(note)) FROM "Customer"'), ['1|5000'])
  })
})

test('a run that ends in the middle of parts is followed by one that reads them from the first', async () => {
  await withSales(async ({ log, consume, sql }) => {
    const parts = await begin(log)
    const firstPart = (await log.length()) + 1
    for (const part of parts.slice(0, 3)) await log.send(PAGE, part)
    await log.page(Customer, customers(10, 1), { page: 10 })
    assert.match(String(await failureOf(consume({ maxWaitMs: 0 }))), /no closed snapshot/)
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(firstPart - 1)])
    for (const part of parts.slice(3)) await log.send(PAGE, part)
    await closeAll(log, { Customer: [2, 2] })
    assert.is((await consume()).loadedRows, 1)
    assert.equal(await sql('SELECT count(*), sum(length(note)) FROM "Customer"'), ['2|5000'])
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
  })
})

test('parts that a publisher left unfinished hold nothing up once another one writes', async () => {
  await withSales(async ({ log, consume, sql }) => {
    const parts = await begin(log)
    for (const part of parts.slice(0, 3)) await log.send(PAGE, part)
    log.writer = randomUUID()
    await announceAll(log, 2)
    await log.page(Customer, customers(1, 1), { attempt: 2 })
    await closeAll(log, { Customer: [1, 1] }, 2)
    await consume()
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
  })
})

test('a part that is damaged is refused', async () => {
  await withSales(async ({ log, consume }) => {
    const parts = await begin(log)
    for (const [index, part] of parts.entries()) {
      const damaged = Uint8Array.from(part)
      if (index === 2) damaged[500] = 0x79
      await log.send(PAGE, damaged)
    }
    const { message, exitCode } = await failureOf(consume())
    assert.is(exitCode, 4)
    assert.match(message, /cannot be read: Part \d+ of message 1\/Customer\/1\/0\/0 ends a message that does not have/)
  })
})

const COLUMNS = Array.from({ length: 250 }, (_, index) => `a column with a long name, number ${index}`)

const wideShop = contractSet('shop', {
  services: {
    sales: service({
      Wide: entity(
        { id: integer(), ...Object.fromEntries(COLUMNS.map((name) => [name, text().nullable()])) },
        { key: ['id'] },
      ),
    }),
  },
})

test('control messages that travel in parts are applied too', async () => {
  await withSales(async ({ log, consume, sql }) => {
    const wide = entityNamed('Wide', wideShop)
    await sql(
      `DELETE FROM scission.entity`,
      `INSERT INTO scission.entity (entity, created) VALUES ('Wide', true)`,
      ddl.createTableSql(wide),
    )
    await log.begin()
    const shape = shapeOf(wide)
    const hash = shapeHash(shape)
    const contract = encodeControl({ v: 1, kind: 'control', epoch: 1, control: 'contract', hash, shape })
    const parts = log.parts(contract, PART_BYTES)
    assert.ok(parts.length > 10)
    for (const part of parts) await log.send('control.contract', part)
    await log.control('attempt', {
      entity: 'Wide',
      shape: hash,
      attempt: 1,
      snapshot: '1:1:',
      consistencyPoint: '0/16B3748',
      blocks: 0,
      chunks: 1,
    })
    const row = [1, ...COLUMNS.map((_, index) => (index % 2 === 0 ? null : `${index}`))]
    for (const part of log.parts(log.pageBytes(wide, [row]), PART_BYTES)) await log.send('snapshot.Wide', part)
    await log.manifest([{ entity: 'Wide', attempt: 1, pages: 1, rows: 1 }])
    await consume({}, wideShop)
    assert.equal(await sql(`SELECT id, "${COLUMNS[249]}" FROM "Wide"`), ['1|249'])
  })
})

test('parts within parts are refused', async () => {
  await withSales(async ({ log, consume }) => {
    const parts = await begin(log)
    for (const inner of log.parts(parts[0] ?? new Uint8Array(), 500)) await log.send(PAGE, inner)
    assert.match((await failureOf(consume())).message, /is a part that holds parts/)
  })
})

test.run()
