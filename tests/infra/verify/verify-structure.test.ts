import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TableReport } from '../../../infra/verify/report.ts'
import { tablesOf } from './expected-rows.ts'
import { inShop, verifyShop, withShop } from './shop.ts'
import type { MadeByHand } from './made-by-hand.ts'

/** What verify says of each table that is not as it should be. */
async function differing(made: MadeByHand): Promise<Record<string, TableReport>> {
  const tables = [...tablesOf(await verifyShop(made))]
  return Object.fromEntries(tables.filter(([, { verified }]) => !verified))
}

/** Each takes something away or breaks it, says what verify must find in which tables, and mends it. */
const BREAKAGES: readonly {
  readonly name: string
  readonly service: 'accounts' | 'orders'
  readonly break: string
  readonly mend: string
  readonly found: Readonly<Record<string, RegExp>>
}[] = [
  {
    name: 'a primary key',
    service: 'accounts',
    break: 'ALTER TABLE public."Account" DROP CONSTRAINT "Account_pkey"',
    mend: 'ALTER TABLE public."Account" ADD CONSTRAINT "Account_pkey" PRIMARY KEY (id)',
    found: { Account: /^The key \(id\) of table public\."Account" has no primary key or unique index/ },
  },
  {
    name: 'a unique index',
    service: 'accounts',
    break: 'DROP INDEX public."Account_email_key"',
    mend: 'CREATE UNIQUE INDEX "Account_email_key" ON public."Account" (email)',
    found: { Account: /^There is no unique index over \(email\) of table public\."Account"/ },
  },
  {
    name: 'a plain index',
    service: 'orders',
    break: 'DROP INDEX public."Order_accountId_idx"',
    mend: 'CREATE INDEX "Order_accountId_idx" ON public."Order" ("accountId")',
    found: { Order: /^There is no index over \("accountId"\) of table public\."Order"/ },
  },
  {
    name: 'an index that was left invalid',
    service: 'orders',
    break: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public."Order_accountId_idx"'::regclass`,
    mend: `UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'public."Order_accountId_idx"'::regclass`,
    found: { Order: /^Index "Order_accountId_idx" over .* is INVALID/ },
  },
  {
    name: 'a foreign key',
    service: 'orders',
    break: 'ALTER TABLE public."Line" DROP CONSTRAINT "Line_orderId_fkey"',
    mend: `ALTER TABLE public."Line" ADD CONSTRAINT "Line_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES public."Order" (id)
           ON DELETE CASCADE ON UPDATE CASCADE NOT VALID`,
    found: { Line: /^There is no foreign key from \("orderId"\) of table public\."Line"/ },
  },
  {
    name: 'a foreign key that was not validated',
    service: 'orders',
    break: 'SELECT 1',
    mend: 'ALTER TABLE public."Line" VALIDATE CONSTRAINT "Line_orderId_fkey"',
    found: { Line: /^Foreign key "Line_orderId_fkey" from .* is NOT VALID/ },
  },
]

test('each missing or invalid key, index and foreign key is named, in its table alone, with the rows found equal', async () => {
  await withShop(async (made) => {
    for (const breakage of BREAKAGES) {
      await inShop(made, breakage.service, breakage.break)
      const found = await differing(made)
      assert.equal(Object.keys(found), Object.keys(breakage.found), breakage.name)
      for (const [entity, sentence] of Object.entries(breakage.found)) {
        assert.is(found[entity]?.structure.length, 1, breakage.name)
        assert.match(found[entity]?.structure[0] ?? '', sentence)
        assert.equal(found[entity]?.differences, { total: 0, rows: [], note: null }, breakage.name)
      }
      await inShop(made, breakage.service, breakage.mend)
    }
    assert.equal(await differing(made), {})
  })
})

test('a missing table or column is a difference with a sentence, and the other tables are verified', async () => {
  await withShop(async (made) => {
    await inShop(made, 'accounts', 'DROP TABLE public."Token"; ALTER TABLE public."Address" DROP COLUMN street')
    const { Token, Address, ...others } = await differing(made)
    assert.equal(others, {})
    assert.equal(Token?.structure, ['Table public."Token" does not exist.'])
    assert.equal(Address?.structure, ['Column street of table public."Address" does not exist.'])
    for (const table of [Token, Address]) {
      assert.is(table?.found, null)
      assert.is(table?.differences.total, null)
    }
  })
})

test("a view in a table's place, and a column of another type, are differences", async () => {
  await withShop(async (made) => {
    await inShop(
      made,
      'accounts',
      'ALTER TABLE public."Token" RENAME TO kept; CREATE VIEW public."Token" AS TABLE public.kept',
    )
    await inShop(made, 'accounts', 'ALTER TABLE public."Address" ALTER number TYPE bigint')
    const { Token, Address } = await differing(made)
    assert.match(Token?.structure[0] ?? '', /is a view, not an ordinary table/)
    assert.equal(Address?.structure, [
      'Column number of table public."Address" is of type bigint, where the contract has integer.',
    ])
    assert.equal(Address?.differences.total, 0)
  })
})

test.run()
