import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { copyPagesSql } from '../../consumers/copy-pages.ts'
import { KnownShapes } from '../../consumers/shapes.ts'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { integer, text } from '../../contracts/language/types.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { announceAll, closeAll, Customer, customers } from './complete-snapshot.ts'
import { customer, entityNamed, olderShop, sales, salesDeclaration } from './shop.ts'
import { withSales } from './with-service.ts'

const olderCustomer = entityNamed('Customer', olderShop)
const olderAccount = { ...entityNamed('Account'), columns: entityNamed('Account').columns.slice(0, 2) }

const computing = contractSet('shop', {
  services: {
    sales: service({
      Customer: entity(
        { id: integer(), name: text(), note: text().nullable().generated('upper(name)') },
        { key: ['id'] },
      ),
    }),
  },
})

test('a column that the database computes by now is left out of what is copied', () => {
  const shape = shapeOf(Customer)
  const now = entityNamed('Customer', computing)
  const shapes = new KnownShapes('sales', [now], new Map([[shapeHash(shape), shape]]))
  assert.is(copyPagesSql(now, shapes.columnsOf(now, shapeHash(shape))), 'COPY public."Customer" (id, name) FROM STDIN')
})

test('pages of an older shape are loaded, and the new column has its default', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin()
    for (const { name } of sales.entities)
      await log.announce(name === 'Customer' ? olderCustomer : name === 'Account' ? olderAccount : entityNamed(name))
    await log.page(olderCustomer, [
      [1, 'a'],
      [2, 'b'],
    ])
    await log.page(olderAccount, [[1, 'token']])
    // One batch holds pages of both shapes.
    await log.describe(shapeOf(Customer))
    await log.page(Customer, customers(3, 1, 'newer'), { page: 1 })
    await closeAll(log, { Customer: [2, 3], Account: [1, 1] })
    await consume()
    assert.equal(await sql('SELECT id, note FROM "Customer" ORDER BY 1'), ['1|', '2|', '3|newer'])
    assert.equal(await sql('SELECT * FROM "Account"'), ['1|token|plain'])
  })
})

test('a run that goes on behind the description of an older shape still knows it', async () => {
  await withSales(async ({ log, consume, sql }) => {
    await log.begin()
    for (const { name } of sales.entities) await log.announce(name === 'Customer' ? olderCustomer : entityNamed(name))
    await consume({ maxWaitMs: 0 }).catch(() => undefined)
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), ['9'])
    await log.page(olderCustomer, [[1, 'a']])
    await closeAll(log, { Customer: [1, 1] })
    await consume()
    assert.equal(await sql('SELECT * FROM "Customer"'), ['1|a|'])
  })
})

test('a run whose contract was changed meanwhile still knows the shape that was its own', async () => {
  const [secretive] = contractSet('shop', {
    services: {
      sales: service({
        ...Object.fromEntries(Object.entries(salesDeclaration).filter(([name]) => name !== 'Customer')),
        Customer: entity({ ...customer, name: customer.name.secret() }, { key: ['id'], unique: [{ on: ['name'] }] }),
      }),
    },
  }).services
  assert.ok(secretive)
  await withSales(async ({ log, consume, sql, set }) => {
    await log.begin()
    await announceAll(log)
    await consume({ maxWaitMs: 0 }).catch(() => undefined)
    assert.equal(await sql('SELECT stream_sequence FROM scission.checkpoint'), [String(await log.length())])
    await log.page(Customer, customers(1, 2))
    await closeAll(log, { Customer: [1, 2] })
    await consume({}, { ...set, services: [secretive] })
    assert.equal(await sql('SELECT count(*) FROM "Customer"'), ['2'])
  })
})

test.run()
