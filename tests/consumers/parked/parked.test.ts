// deadline: 180 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  chooseParked,
  discardParked,
  type ParkedTransaction,
  readParkedTransactions,
} from '../../../consumers/parked/parked-transactions.ts'
import { type RetriedGroup, retryParked } from '../../../consumers/parked/retry-parked.ts'
import { showParked, type ShownTransaction } from '../../../consumers/parked/show-parked.ts'
import { changeParked, withParked } from '../../../consumers/parked/with-parked.ts'
import { ABSENT, type WireChange } from '../../../contracts/wire/message.ts'
import { Customer, customers, writeSmallSnapshot } from '../complete-snapshot.ts'
import { failureOf, noticesOf, type TestService, withSales } from '../with-service.ts'
import { customersOf, inserted, placeOf, send, updated } from './parked-log.ts'

const listed = async (service: TestService): Promise<ParkedTransaction[]> =>
  await withParked(placeOf(service), async (client) => readParkedTransactions(client, 'sales'))
const choose = async (service: TestService, at: string | null = null): Promise<ParkedTransaction> =>
  await changeParked(placeOf(service), false, async (client) => chooseParked(client, 'sales', at))
const discard = async (service: TestService, at: string): Promise<ParkedTransaction> =>
  await changeParked(placeOf(service), false, async (client) => discardParked(client, 'sales', at))
const show = async (service: TestService, at: string, limit = 10): Promise<ShownTransaction> =>
  await withParked(placeOf(service), async (client) => showParked(client, service.service, at, limit))
const retry = async (service: TestService, position: string | null = null, isTried = false): Promise<RetriedGroup[]> =>
  await changeParked(placeOf(service), isTried, async (client, checkpoint) =>
    retryParked(client, { service: service.service, checkpoint, position }),
  )

const statesOf = async (service: TestService): Promise<string[]> =>
  (await listed(service)).map(({ changes, position, state }) => `${position} ${state} ${changes}`)

const EMPTIED: WireChange = [0, 'T', { cascade: false, restartIdentity: false }]

/** Reads the customers anew: their second attempt, with so many rows. */
async function readAnew({ log }: TestService, count: number): Promise<void> {
  await log.announce(Customer, 2)
  await log.page(Customer, customers(1, count), { attempt: 2 })
  const totals = { Customer: [2, 1, count], Order: [1, 1, 10], _Tags: [1, 0, 0], Account: [1, 0, 0] } as const
  await log.manifest(
    Object.entries(totals).map(([entity, [attempt, pages, rows]]) => ({ entity, attempt, pages, rows })),
  )
}

/** A transaction at 0/20 that the table does not take, since somebody else wrote a row of its, and others behind it. */
async function withPoison(use: (service: TestService) => Promise<void>): Promise<void> {
  await withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    await service.sql(`INSERT INTO "Customer" VALUES (11, 'a stranger')`)
    await send(service, '0/20', { Customer: [updated(0, 9, 'nine'), inserted(1, 11, 'eleven')] })
    await send(service, '0/30', { Customer: [updated(0, 10, 'ten'), updated(1, 11, 'eleven again')] })
    await send(service, '0/40', { Customer: [[0, 'D', [9, ABSENT, ABSENT]], inserted(1, 12, 'twelve')] })
    assert.match(
      (await failureOf(service.consume())).message,
      /or set the transaction aside: parked add sales 0\/20\.$/,
    )
    await use(service)
  })
}

test('a transaction that is chosen is set aside with the later changes of its rows alone, and applied when it can be', () =>
  withPoison(async (service) => {
    assert.equal(await statesOf(service), ['0/20 stopped 0'])
    assert.equal((await choose(service)).state, 'chosen')
    assert.is((await service.consume()).appliedChanges, 2)
    assert.equal(await customersOf(service), ['9customer 9', '10ten', '11a stranger', '12twelve'])
    assert.equal(await statesOf(service), ['0/20 parked 2', '0/30 waiting 1', '0/40 waiting 1'])
    assert.match((await listed(service))[0]?.reason ?? '', /insert of public."Customer" \(id = "11"\) at 0\/20\/1/)
    assert.equal(await service.sql('SELECT lsn FROM scission.checkpoint'), ['0/40'])

    // As long as the row stands in the way nothing of it is applied.
    const [refused, ...others] = await retry(service)
    assert.equal([refused?.positions, refused?.changes, others], [['0/20', '0/30', '0/40'], 4, []])
    assert.match(refused?.refused ?? '', /duplicate key/)
    assert.is((await statesOf(service)).length, 3)

    await service.sql('DELETE FROM "Customer" WHERE id = 11')
    assert.is((await retry(service, '0/30', true))[0]?.refused, null)
    assert.is((await statesOf(service)).length, 3)
    assert.is((await retry(service, '0/30'))[0]?.refused, null)
    assert.equal(await customersOf(service), ['10ten', '11eleven again', '12twelve'])
    assert.equal(await statesOf(service), [])
    assert.equal(await retry(service), [])
    assert.is((await service.consume()).appliedChanges, 0)
  }))

test('where the row was put right, consume goes on and nothing is parked', () =>
  withPoison(async (service) => {
    await service.sql('DELETE FROM "Customer" WHERE id = 11')
    await service.consume()
    assert.equal([await customersOf(service), await statesOf(service)], [['10ten', '11eleven again', '12twelve'], []])
  }))

test('changes that come while something is parked wait where they are of its rows, whoever consumes them', () =>
  withPoison(async (service) => {
    await choose(service, '0/20')
    await service.consume()
    await send(service, '0/50', { Customer: [updated(0, 11, 'eleven at last'), updated(1, 12, 'twelve again')] })
    await service.consume()
    assert.ok(noticesOf(service).some((text) => text.startsWith('4 changes are parked')))
    assert.equal(await statesOf(service), ['0/20 parked 2', '0/30 waiting 1', '0/40 waiting 1', '0/50 waiting 1'])
    await service.sql('DELETE FROM "Customer" WHERE id = 11')
    await retry(service)
    assert.equal(await customersOf(service), ['10ten', '11eleven at last', '12twelve again'])
  }))

test('what is discarded is forgotten, and what waits behind it goes on waiting', () =>
  withPoison(async (service) => {
    assert.match((await failureOf(discard(service, '0/20'))).message, /its consumer stopped there/)
    await choose(service)
    assert.match((await failureOf(discard(service, '0/20'))).message, /run consume\.$/)
    await service.consume()
    assert.is((await discard(service, '0/20')).changes, 2)
    assert.equal(await statesOf(service), ['0/30 waiting 1', '0/40 waiting 1'])
    // The stranger's row is updated, and each of the groups is by itself now.
    assert.equal(
      (await retry(service)).map(({ positions, refused }) => [positions, refused]),
      [
        [['0/30'], null],
        [['0/40'], null],
      ],
    )
    assert.equal(await customersOf(service), ['10ten', '11eleven again', '12twelve'])
    assert.match((await failureOf(discard(service, '0/20'))).message, /Nothing of the transaction at 0\/20 is parked/)
  }))

test('only a transaction at which the consumer stopped can be chosen, and choosing it twice is no mistake', () =>
  withPoison(async (service) => {
    assert.match((await failureOf(choose(service, '0/30'))).message, /did not stop at 0\/30/)
    assert.match((await failureOf(retry(service, '0/20'))).message, /Nothing of the transaction at 0\/20 is parked/)
    await choose(service)
    assert.match((await failureOf(choose(service))).message, /stopped at no transaction/)
    assert.is((await choose(service, '0/20')).state, 'chosen')
    await service.consume()
    assert.is((await choose(service, '0/20')).state, 'parked')
    assert.match((await failureOf(choose(service, '0/30'))).message, /did not stop at 0\/30/)
  }))

test('a table that is emptied, read anew or of a new epoch makes void what waits for it', () =>
  withPoison(async (service) => {
    await choose(service)
    await service.consume()
    await send(service, '0/60', { Customer: [EMPTIED, inserted(1, 9, 'new nine')] })
    await service.consume()
    assert.equal([await customersOf(service), await statesOf(service)], [['9new nine'], []])

    await send(service, '0/70', { Customer: [inserted(0, 9, 'poison')], Account: [[1, 'I', [1, 'token', 'plain']]] })
    await failureOf(service.consume())
    await choose(service)
    await service.consume()
    assert.equal(await statesOf(service), ['0/70 parked 2'])
    await readAnew(service, 10)
    await service.consume()
    assert.equal((await listed(service))[0]?.entities, ['Account'])

    await writeSmallSnapshot(service.log, 2)
    await service.consume()
    assert.equal([await customersOf(service), await statesOf(service)], [['9customer 9', '10customer 10'], []])
  }))

test('a truncate that is set aside makes its table wait, and all of it is applied in order', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.consume()
    const poison: WireChange = updated(1, 77, 'nobody')
    await send(service, '0/20', { Customer: [EMPTIED, poison] })
    await send(service, '0/30', { Customer: [inserted(0, 20, 'twenty')], _Tags: [[1, 'I', [1, 'a']]] })
    await failureOf(service.consume())
    await choose(service)
    await service.consume()
    assert.equal(await statesOf(service), ['0/20 parked 2', '0/30 waiting 1'])
    assert.equal(await service.sql('SELECT "B" FROM "_Tags"'), ['a'])
    assert.match((await retry(service))[0]?.refused ?? '', /the row is not there/)
    await discard(service, '0/20')
    assert.is((await retry(service))[0]?.refused, null)
    assert.equal(await customersOf(service), ['9customer 9', '10customer 10', '20twenty'])
  }))

test('a transaction that is too large to wait is set aside piece by piece, and applied page by page', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await service.sql(`INSERT INTO "Customer" VALUES (99, 'a stranger')`)
    await failureOf(service.consume())
    await service.sql(`DELETE FROM "Customer" WHERE id = 99`)
    await service.consume()
    await service.sql(`INSERT INTO "Customer" VALUES (99, 'a stranger')`)
    const text = 'x'.repeat(10_000)
    for (let message = 0; message < 16; message += 1) {
      const changes = Array.from({ length: 80 }, (_, index): WireChange => {
        const ordinal = message * 80 + index
        return [ordinal, 'I', [99 + ordinal, `n${ordinal}`, text]]
      })
      await send(service, '0/20', { Customer: changes }, message === 15)
    }
    await failureOf(service.consume())
    await choose(service)
    await service.consume()
    assert.equal(await statesOf(service), ['0/20 parked 1280'])
    assert.equal(await service.sql('SELECT count(*) FROM "Customer"'), ['11'])
    await service.sql('DELETE FROM "Customer" WHERE id = 99')
    assert.is((await retry(service))[0]?.changes, 1280)
    assert.equal(await service.sql('SELECT count(*), max(length(note)) FROM "Customer"'), ['1290|10000'])
  }))

test('the changes of a parked transaction are shown, a secret is not', () =>
  withSales(async (service) => {
    await writeSmallSnapshot(service.log)
    await send(service, '0/20', {
      Account: [[0, 'I', [1, 'hidden-token', 'plain']]],
      Customer: [updated(1, 77, 'nobody'), [2, 'U', [78, 'moved', null], [10, ABSENT, ABSENT]]],
    })
    await failureOf(service.consume())
    assert.match((await failureOf(show(service, '0/20'))).message, /its consumer stopped there/)
    await choose(service)
    await service.consume()
    const { changes, shown } = await show(service, '0/20', 2)
    assert.equal([changes, shown.length], [3, 2])
    assert.equal(shown[0]?.row, [
      { column: 'id', value: '"1"' },
      { column: 'token', value: '(secret)' },
      { column: 'kind', value: '"plain"' },
    ])
    const all = await show(service, '0/20')
    assert.equal(all.shown[2]?.key, [{ column: 'id', value: '"10"' }])
    assert.equal(all.shown[2]?.row[2], { column: 'note', value: 'NULL' })
    assert.not.match(JSON.stringify(all), 'hidden-token')
  }))

test('a database of an earlier release, a service that loads and somebody who holds what is parked are refused', () =>
  withPoison(async (service) => {
    await choose(service)
    await service.consume()
    const { sql } = service
    await sql(`UPDATE scission.checkpoint SET phase = 'loading'`)
    assert.match((await failureOf(retry(service))).message, /Service sales is loading/)
    await sql(`UPDATE scission.checkpoint SET phase = 'following'`)
    const holding = withParked(placeOf(service), async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock_shared(hashtextextended('scission parked', 0))`)
      const failure = await failureOf(retry(service))
      assert.is(failure.exitCode, 5)
      assert.match(failure.message, /nothing was changed; try again later/)
    })
    await holding
    await sql('DROP TABLE scission.parked_change')
    assert.match((await failureOf(listed(service))).message, /not prepared for this release: run prepare again/)
    assert.match((await failureOf(service.consume())).message, /not prepared for this release: run prepare again/)
  }))

test.run()
