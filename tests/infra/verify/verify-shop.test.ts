import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { RowDifference, TableReport, VerifyReport } from '../../../infra/verify/report.ts'
import { tablesOf } from './expected-rows.ts'
import { inShop, LONG_TEXT, verifyShop, withShop } from './shop.ts'

function tableOf(report: VerifyReport, entity: string): TableReport {
  const table = tablesOf(report).get(entity)
  assert.ok(table, entity)
  return table
}

function rowsOf(report: VerifyReport, entity: string): readonly RowDifference[] {
  return tableOf(report, entity).differences.rows
}

test('an equal service is verified, and the report is dated and says what it rests on', async () => {
  await withShop(async (made) => {
    const report = await verifyShop(made)
    assert.is(report.verified, true)
    assert.match(report.verifiedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.equal(report.monolith, { systemId: '7000000000000000001', database: 'monolith' })
    assert.equal([report.contractSet, report.prefix, report.epoch], ['shop', made.prefix, 1])
    assert.is(report.consistencyPoint, '0/16B3748')
    assert.equal(report.versions.wire, 1)
    assert.equal(
      report.services.map(({ service, verified, tables }) => [service, verified, tables.length]),
      [
        ['accounts', true, 3],
        ['orders', true, 2],
      ],
    )
    const lines = tableOf(report, 'Line')
    assert.equal(lines.found, lines.expected)
    assert.is(lines.expected.rows, 200)
  })
})

test('what cannot be seen is shown, and a difference far into a large value is found at its character', async () => {
  await withShop(async (made) => {
    await inShop(
      made,
      'accounts',
      `UPDATE public."Account" SET about = replace(about, 'middle', 'muddle') WHERE id LIKE 'tab%'`,
    )
    await inShop(
      made,
      'accounts',
      `UPDATE public."Account" SET about = nullif(rtrim(about), '') WHERE id IN ('b', 'c')`,
    )
    const rows = rowsOf(await verifyShop(made), 'Account')
    const columns = rows.map((row) => [row.key[0]?.value, row.kind === 'different' ? row.columns : row.kind])
    const context = 'é'.repeat(39)
    const rest = LONG_TEXT.slice(150_006, 150_006 + 115)
    assert.equal(columns, [
      ['"b"', [{ column: 'about', expected: '""', found: 'NULL', character: null }]],
      ['"c"', [{ column: 'about', expected: '"c "', found: '"c"', character: 2 }]],
      [
        '"tab\\t,é"',
        [
          {
            column: 'about',
            expected: `…"${context}middle${rest}"…`,
            found: `…"${context}muddle${rest}"…`,
            character: 150_002,
          },
        ],
      ],
    ])
  })
})

test('a secret is found and named, and neither its value nor a secret key is shown', async () => {
  await withShop(async (made) => {
    await inShop(made, 'accounts', `UPDATE public."Account" SET password = 'another hash' WHERE id = 'a'`)
    await inShop(made, 'accounts', `UPDATE public."Token" SET token = 'token 3' WHERE token = 'token 1'`)
    await inShop(made, 'accounts', `UPDATE public."Token" SET note = 'z' WHERE token = 'token 2'`)
    const report = await verifyShop(made)
    const secret = { expected: '(secret)', found: '(secret)', character: null }
    assert.equal(rowsOf(report, 'Account'), [
      { kind: 'different', key: [{ column: 'id', value: '"a"' }], columns: [{ column: 'password', ...secret }] },
    ])
    const kinds = rowsOf(report, 'Token').map(({ kind, key }) => `${kind} ${key[0]?.value}`)
    assert.equal(kinds, ['missing (secret)', 'different (secret)', 'extra (secret)'])
    assert.not.match(JSON.stringify(report), /hash|token \d/)
  })
})

test('rows too many and too few of one key are counted, where no index forbids them', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `DROP INDEX public."Line_orderId_article_key"`)
    await inShop(made, 'orders', `INSERT INTO public."Line" SELECT 2, 'article 1' FROM generate_series(1, 2)`)
    const table = tableOf(await verifyShop(made), 'Line')
    const key = [
      { column: 'orderId', value: '"2"' },
      { column: 'article', value: '"article 1"' },
    ]
    assert.equal(table.differences, { total: 2, rows: [{ kind: 'count', key, expected: 1, found: 3 }], note: null })
    assert.equal(table.structure, [
      'The key ("orderId", article) of table public."Line" has no primary key or unique index over exactly these columns.',
    ])
  })
})

test('a value that two versions of a row have under one key does not pair them wrongly', async () => {
  await withShop(async (made) => {
    await inShop(made, 'accounts', `ALTER TABLE public."Address" DROP CONSTRAINT "Address_pkey"`)
    await inShop(made, 'accounts', `INSERT INTO public."Address" VALUES ('FR', 1, 'rue X'), ('FR', 1, 'rue Y')`)
    await inShop(made, 'accounts', `UPDATE public."Address" SET street = 'rue Z' WHERE street = 'rue A'`)
    const { differences } = tableOf(await verifyShop(made), 'Address')
    assert.is(differences.total, 3)
    assert.equal(differences.rows.map(({ kind }) => kind).sort(), ['different', 'extra', 'extra'])
  })
})

test('the number of rows that differ is exact, however few are named', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `UPDATE public."Line" SET article = article || ' ' WHERE "orderId" = 3`)
    const { differences } = tableOf(await verifyShop(made, 5), 'Line')
    assert.is(differences.rows.length, 5)
    assert.is(differences.total, 68)
    const none = tableOf(await verifyShop(made, 0), 'Line')
    assert.equal([none.verified, none.differences.total, none.differences.rows], [false, 68, []])
  })
})

test('an empty service differs in every row, and in nothing else', async () => {
  await withShop(async (made) => {
    await inShop(made, 'orders', `TRUNCATE public."Line"`)
    const report = await verifyShop(made)
    const { expected, found, differences } = tableOf(report, 'Line')
    assert.equal([expected.rows, found, differences.total], [200, { rows: 0, digest: '0'.repeat(32) }, 200])
    assert.equal(
      [...tablesOf(report)].filter(([, { verified }]) => !verified).map(([entity]) => entity),
      ['Line'],
    )
  })
})

test('references across services are counted by kind, and are no difference', async () => {
  await withShop(async (made) => {
    const report = await verifyShop(made)
    const counts = report.references.map(({ from, to, when, rows, withoutTarget }) => [
      `${from.service}.${from.entity} (${from.columns.join(', ')})`,
      `${to.service}.${to.entity} (${to.columns.join(', ')})`,
      when?.equals ?? null,
      rows,
      withoutTarget,
    ])
    assert.equal(counts, [
      ['orders.Order (accountId)', 'accounts.Account (id)', null, 5, 2],
      ['orders.Order (country, number)', 'accounts.Address (country, number)', null, 4, 2],
      ['orders.Order (aboutId)', 'accounts.Account (id)', 'ACCOUNT', 3, 1],
      ['orders.Order (aboutId)', 'accounts.Token (token)', 'TOKEN', 2, 1],
    ])
    assert.is(report.verified, true)
    const [orders] = made.services.slice(1)
    assert.ok(orders)
    assert.equal((await verifyShop({ ...made, services: made.services.slice(1) })).references, [])
  })
})

test.run()
