// deadline: 420 s
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHostileMonolith } from '../hostile/monolith.ts'
import { type SplitMonolith, withSplitMonolith } from '../infra/drafting/split-by-draft.ts'
import { withArchiModeler, withShopMonolith } from '../infra/drafting/with-monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { runCommand } from './run-command.ts'
import { runSql, withClient, withFolder } from './shop.ts'

/** What preflight says of contracts and tables, and not of servers that other tests use too. */
const OF_CONTRACTS = ['contract', 'unclaimed-table', 'ordinary-table', 'row-level-security', 'privileges']

function findingsOfContracts({ preflight }: SplitMonolith): string[] {
  return preflight.findings.filter(({ check }) => OF_CONTRACTS.includes(check)).map(({ problem }) => problem)
}

test('a shop that nobody wrote contracts for is drafted, split and proven by commands alone', () =>
  withShopMonolith((monolith) =>
    withSplitMonolith(monolith, { withSlot: true }, async (split) => {
      assert.equal(findingsOfContracts(split), [])
      assert.is(split.preflight.ready, true)
      assert.is(split.verify.verified, true)
      assert.equal(
        split.draft.services.map(({ service }) => service),
        ['customers', 'products', 'orders', 'room_bookings'],
      )
      assert.equal(split.draft.leftBehind, ['audit_trail', 'schema_migrations'])
      await assertCutOver(split)
    }),
  ))

/** What the contracts cannot say is said by the SQL beside them, on the rows that were loaded. */
async function assertCutOver({ folder, urls }: SplitMonolith): Promise<void> {
  for (const file of await readdir(folder))
    if (file.endsWith('.sql'))
      await runSql(urls[file.slice(0, -'.sql'.length)] ?? '', [await readFile(join(folder, file), 'utf8')])
  await withClient(urls['products'] ?? '', async (client) => {
    const { rows } = await client.query<{ product_id: string }>(
      `INSERT INTO products (category_id, sku, title, price) VALUES (1, 'new', 'New', 1) RETURNING product_id`,
    )
    assert.is(rows[0]?.product_id, '101', 'the next number')
    await client.query(`INSERT INTO products (category_id, sku, title, price) VALUES (1, 'x', 'x', -1)`).then(
      () => assert.unreachable('a CHECK is missing'),
      (error: Error) => assert.match(error.message, 'products_price_check'),
    )
    const indexes = await client.query<{ indexdef: string }>(
      `SELECT indexdef FROM pg_indexes WHERE tablename = 'products' ORDER BY indexname`,
    )
    assert.match(indexes.rows.map(({ indexdef }) => indexdef).join('\n'), /product_id DESC[^]*USING gin/)
  })
}

test('ArchiModeler is drafted, split and proven by commands alone', () =>
  withArchiModeler(300, (monolith) =>
    withSplitMonolith(monolith, { withSlot: false }, async (split) => {
      assert.equal(findingsOfContracts(split), [])
      assert.is(split.verify.verified, true)
      assert.is(split.verify.services.length, 10)
    }),
  ))

test('the hostile monolith is drafted, split and proven by commands alone', () =>
  withDatabase(async (monolith) => {
    await createHostileMonolith(monolith, { rowsPerTable: 3 })
    await withSplitMonolith(monolith, { withSlot: false }, async (split) => {
      // What cannot be drafted away: a table that inherits, and a deferrable key.
      for (const problem of findingsOfContracts(split)) assert.match(problem, /inherit|DEFERRABLE/)
      assert.is(split.preflight.ready, true)
      assert.is(split.verify.verified, true)
    })
  }))

test('a draft says in words what it proposes and what will hurt, and asks for nothing but the URL', () =>
  withShopMonolith((monolith) =>
    withFolder(async (folder) => {
      const environment = { SHOP_URL: monolith, SCISSION_CONTRACTS: './not/there/yet.ts' }
      const args = [
        'contracts',
        'draft',
        'SHOP_URL',
        '--out',
        'drafted',
        '--services',
        'billing=invoices',
        'log=reviews',
      ]
      const { exitCode, stdout, stderr } = await runCommand(args, { environment, folder })
      assert.is(exitCode, 0, stderr)
      assert.match(stdout, /^service +tables/)
      assert.match(stdout, /\nbilling +1 +invoices\n/)
      assert.match(stdout, /\nlog +1 +reviews\n/)
      assert.match(stdout, 'warning  public.audit_trail')
      assert.match(stdout, 'SCISSION_CONTRACTS=drafted/contract-set.ts scission preflight')
      assert.not.match(stdout + stderr, new URL(monolith).password || 'no password')
      assert.ok((await readdir(join(folder, 'drafted'))).includes('billing.ts'))
    }),
  ))

test.run()
