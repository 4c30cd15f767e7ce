import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLsn } from '../../contracts/positions.ts'
import { withEmbeddedPostgres } from '../../infra/embedded/postgres-server.ts'
import { publicationName } from '../../infra/prepare/names.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import { slotOf } from './bank-checks.ts'
import { assertNoSessions, withBank } from './with-bank.ts'
import { failureOf } from './with-log.ts'

async function tableRows(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ row: string }>(
    `SELECT concat_ws('|', id, amount, note) AS row FROM "${table}" ORDER BY ctid`,
  )
  return rows.map(({ row }) => row)
}

test('a snapshot is published: rows, shapes, totals, manifests, and a slot that follows it', () =>
  withBank({ rows: 500 }, async (bank) => {
    await bank.client.query(`INSERT INTO "Coin" VALUES ('1', '\\x00ff'), ('2', NULL)`)
    const events: PublisherEvent[] = []
    const outcome = await bank.publish({}, (event) => events.push(event))
    assert.is(outcome.outcome, 'closed')
    assert.is(outcome.epoch, 1)
    const [vault, wallet] = [await bank.read('vault'), await bank.read('wallet')]
    assert.equal(vault.rows('Account').sort(), (await tableRows(bank.client, 'Account')).sort())
    assert.equal(wallet.rows('Purse').sort(), (await tableRows(bank.client, 'Purse')).sort())
    assert.is(wallet.rows('Coin').length, 2)
    const kinds = wallet.controls.map(({ control }) => control)
    assert.equal(kinds, ['epoch', 'contract', 'contract', 'attempt', 'attempt', 'complete', 'complete', 'manifest'])
    const totals = wallet.manifest?.entities.map(({ entity, rows, pages }) => ({ entity, rows, pages }))
    const pagesOf = (entity: string): number => wallet.pages.filter((page) => page.entity === entity).length
    assert.equal(totals, [
      { entity: 'Purse', rows: 500, pages: pagesOf('Purse') },
      { entity: 'Coin', rows: 2, pages: 1 },
    ])
    const stored = events.filter((event) => event.type === 'page-stored')
    assert.is(stored.length, vault.pages.length + wallet.pages.length)
    assert.is(outcome.consistencyPoint, wallet.manifest?.consistencyPoint)
    assert.equal(await slotOf(bank), { confirmed: outcome.consistencyPoint, active: false })
    await assertNoSessions(bank)
  }))

test('what is written while a snapshot is published is in it for all services or for none', () =>
  withBank({ rows: 2_000 }, async (bank) => {
    const ended = new AbortController()
    const writers = [1, 2].map(async (seed) => await moveMoney(await bank.session(), seed, ended.signal))
    try {
      for (const newEpoch of [false, true, true]) {
        await bank.publish({ newEpoch, readers: 3 })
        const sums = [(await bank.read('vault')).rows('Account'), (await bank.read('wallet')).rows('Purse')].map(sumOf)
        assert.is((sums[0] ?? 0) + (sums[1] ?? 0), 2 * 2_000 * 100)
        assert.is.not(sums[0], 2_000 * 100, 'nothing was moved')
      }
    } finally {
      ended.abort()
      await Promise.all(writers)
    }
  }))

test('the slot delivers what the snapshot does not show, and nothing else', () =>
  withBank({ rows: 10 }, async (bank) => {
    const ended = new AbortController()
    const other = await bank.session()
    const writing = (async () => {
      for (let n = 1; !ended.signal.aborted; n += 1)
        await other.query(`INSERT INTO "Purse" VALUES ('new ' || $1::text, 0, NULL)`, [n])
    })()
    await bank.publish()
    await sleep(50)
    ended.abort()
    await writing
    const inLog = (await bank.read('wallet')).rows('Purse').map((row) => row.split('|')[0] ?? '')
    const { rows: changes } = await bank.client.query<{ data: Buffer }>(
      `SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)`,
      [bank.slot, publicationName(bank.dependencies.prefix)],
    )
    const fromSlot = changes.flatMap(({ data }) => /^I.*?(new \d+)/s.exec(data.toString('latin1'))?.[1] ?? [])
    const { rows } = await bank.client.query<{ id: string }>('SELECT id FROM "Purse"')
    assert.ok(fromSlot.length > 0)
    assert.equal(inLog.concat(fromSlot).sort(), rows.map(({ id }) => id).sort())
  }))

test('a second publication of a closed snapshot says so, and writes nothing', () =>
  withBank({}, async (bank) => {
    const first = await bank.publish()
    const before = (await bank.read('wallet')).controls.length
    const again = await bank.publish()
    assert.equal(
      [again.outcome, again.epoch, again.consistencyPoint, again.slot?.name],
      ['already closed', 1, first.consistencyPoint, bank.slot],
    )
    assert.is((await bank.read('wallet')).controls.length, before)
  }))

test('a new epoch is published behind the old one, with a new slot', () =>
  withBank({}, async (bank) => {
    const first = await bank.publish()
    await bank.client.query(`INSERT INTO "Purse" VALUES ('late', 1, NULL)`)
    const second = await bank.publish({ newEpoch: true })
    assert.equal([second.outcome, second.epoch], ['closed', 2])
    assert.ok(parseLsn(second.consistencyPoint) > parseLsn(first.consistencyPoint))
    assert.is((await slotOf(bank))?.confirmed, second.consistencyPoint)
    assert.ok((await bank.read('wallet')).rows('Purse').includes('late|1|'))
    assert.is((await bank.publish()).epoch, 2)
  }))

test('without a slot a monolith as its container has it is published too', () =>
  withEmbeddedPostgres({ settings: { wal_level: 'replica' }, fsync: false }, async ({ url }) => {
    await withBank({ serverUrl: url, withSlot: false, rows: 50 }, async (bank) => {
      const refused = await failureOf(bank.publish())
      assert.is(refused.exitCode, 4)
      assert.match(refused.message, /wal_level is replica: a slot needs logical\. .* or .* use --no-slot/)
      const outcome = await bank.publish({ withSlot: false })
      assert.equal([outcome.outcome, outcome.slot], ['closed', null])
      assert.is((await bank.read('vault')).rows('Account').length, 50)
      assert.is((await bank.publish({ withSlot: false })).outcome, 'already closed')
      await assertNoSessions(bank)
    })
  }))

test('time-outs that are set for the database and the role do not strike', () =>
  withBank({ rows: 3_000, noteBytes: 500 }, async (bank) => {
    const { rows } = await bank.client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
    for (const timeout of [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
      'idle_session_timeout',
    ]) {
      await bank.client.query(`ALTER DATABASE ${rows[0]?.name} SET ${timeout} = '1ms'`)
      await bank.client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${rows[0]?.name} SET ${timeout} = '1ms'`)
    }
    assert.is((await bank.publish()).outcome, 'closed')
    assert.is((await bank.read('vault')).rows('Account').length, 3_000)
  }))

test('a row that is larger than a message travels in parts', () =>
  withBank({ rows: 1 }, async (bank) => {
    await bank.client.query(
      `INSERT INTO "Coin" SELECT n::text, decode(repeat('00ff0a5c', $1::int / 4), 'hex') FROM generate_series(1, 3) AS n`,
      [3_000_000],
    )
    await bank.publish()
    const { pages, manifest } = await bank.read('wallet')
    const pictures = pages
      .flatMap(({ rows }) => rows.map((row) => row[1]))
      .filter((value) => value instanceof Uint8Array)
    assert.equal(
      pictures.map((picture) => Buffer.from(picture).equals(Buffer.alloc(3_000_000, Buffer.from('00ff0a5c', 'hex')))),
      [true, true, true],
    )
    assert.is(manifest?.entities.find(({ entity }) => entity === 'Coin')?.rows, 3)
  }))

test('a closed snapshot whose slot is gone says what that means', () =>
  withBank({}, async (bank) => {
    await bank.publish()
    await bank.client.query('SELECT pg_drop_replication_slot($1)', [bank.slot])
    const notices: string[] = []
    const again = await bank.publish({}, (event) => void (event.type === 'notice' && notices.push(event.text)))
    assert.equal([again.outcome, again.slot], ['already closed', null])
    assert.match(notices.join(), `cannot be followed: Slot ${bank.slot} is gone`)
  }))

test('a slot that a new epoch without one does not need is dropped', () =>
  withBank({}, async (bank) => {
    await bank.publish()
    const outcome = await bank.publish({ withSlot: false, newEpoch: true })
    assert.equal([outcome.outcome, outcome.epoch, outcome.slot], ['closed', 2, null])
    assert.is(await slotOf(bank), undefined)
  }))

/** Moves money between an account and a purse, in one transaction each time, and makes and ends rows without any. */
async function moveMoney(client: Client, seed: number, signal: AbortSignal): Promise<void> {
  for (let n = seed; !signal.aborted; n += 7) {
    const id = String(1 + (n % 2_000))
    await client.query('BEGIN')
    await client.query('UPDATE "Account" SET amount = amount - 1 WHERE id = $1', [id])
    await client.query(`INSERT INTO "Purse" VALUES ('x' || $1, 0, 'made')`, [`${seed}/${n}`])
    await client.query('UPDATE "Purse" SET amount = amount + 1 WHERE id = $1', [id])
    await client.query(`DELETE FROM "Purse" WHERE id = 'x' || $1`, [`${seed}/${n - 70}`])
    await client.query('COMMIT')
  }
}

function sumOf(rows: readonly string[]): number {
  return rows.reduce((sum, row) => sum + Number(row.split('|')[1]), 0)
}

test.run()
