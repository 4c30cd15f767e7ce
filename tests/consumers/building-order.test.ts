import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { objectSql, spreadOverTables } from '../../consumers/build-objects.ts'
import { entityNamed, sales } from './shop.ts'

const of = (entity: string, kind: Parameters<typeof objectSql>[2]['kind'], name: string | null) =>
  objectSql(sales, entityNamed(entity), { kind, name })

test('a missing key is built as the contract has it: a primary key, or a unique index', () => {
  assert.equal(of('Customer', 'key missing', null), {
    kind: 'key',
    name: 'Customer_pkey',
    sql: 'ALTER TABLE public."Customer" ADD CONSTRAINT "Customer_pkey" PRIMARY KEY (id)',
  })
  assert.equal(of('_Tags', 'key missing', null), {
    kind: 'key',
    name: '_Tags_A_B_key',
    sql: 'CREATE UNIQUE INDEX "_Tags_A_B_key" ON public."_Tags" ("A", "B")',
  })
})

test('a missing index or foreign key is built by its name', () => {
  assert.is(
    of('Order', 'index missing', 'Order_customerId_idx')?.sql,
    'CREATE INDEX "Order_customerId_idx" ON public."Order" ("customerId")',
  )
  assert.match(
    of('Order', 'foreign key missing', 'Order_previous_fkey')?.sql ?? '',
    /FOREIGN KEY \(previous\) REFERENCES public\."Order" \(id\) ON DELETE SET NULL/,
  )
})

test('what is invalid, or of another name, is left to the operator', () => {
  assert.is(of('Order', 'index invalid', 'Order_customerId_idx'), null)
  assert.is(of('Order', 'foreign key invalid', 'Order_previous_fkey'), null)
  assert.is(of('Order', 'index missing', 'Other_idx'), null)
  assert.is(of('Order', 'column missing', 'amount'), null)
})

test('objects of one table are apart from each other, in their order', () => {
  const tasks = ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'].map((name) => ({ entity: name.charAt(0), name }))
  assert.equal(
    spreadOverTables(tasks).map(({ name }) => name),
    ['a1', 'b1', 'c1', 'a2', 'c2', 'a3'],
  )
})

test.run()
