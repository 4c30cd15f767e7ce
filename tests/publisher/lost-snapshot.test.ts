// deadline: 300 s
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLsn } from '../../contracts/positions.ts'
import { endKeepers } from '../../infra/postgres/keeper-sessions.ts'
import { assertWhole, bankRows } from './bank-checks.ts'
import { crashAt, finishedIn, readHeld } from './killed-publisher.ts'
import { type Bank, type BankOptions, keepersOf, watchFor, withBank } from './with-bank.ts'

async function attemptsOf(bank: Bank): Promise<Record<string, number>> {
  const manifests = await Promise.all(['vault', 'wallet'].map(async (name) => (await bank.read(name)).manifest))
  const totals = manifests.flatMap((manifest) => manifest?.entities ?? [])
  return Object.fromEntries(totals.map(({ entity, attempt }) => [entity, attempt]))
}

/** Each of the two tables is larger than what may be on its way to the broker when the publisher dies. */
const LARGE: BankOptions = { rows: 12_000, noteBytes: 1_200 }

/** A publisher that died with one finished entity and another one begun, and whose snapshot is gone. */
async function loseSnapshot(bank: Bank, slot: 'slot' | 'no slot'): Promise<void> {
  await crashAt(bank, 'publish-entity-stored', { slot, readers: 1 })
  assert.is((await keepersOf(bank)).length, 1)
  await endKeepers(bank.client, bank.dependencies.prefix)
  assert.equal(finishedIn(await readHeld(bank)), ['Account'])
}

test('with a slot a finished entity stays when the snapshot is lost, and the others get a new attempt', () =>
  withBank(LARGE, async (bank) => {
    await loseSnapshot(bank, 'slot')
    const before = { Account: await bankRows(bank, 'Account') }
    await bank.client.query(`UPDATE "Account" SET note = 'later'; UPDATE "Purse" SET note = 'later'`)
    const { watch, notices } = watchFor('notice')
    const outcome = await bank.publish({}, watch)
    await assertWhole(bank, 1, before)
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 2, Coin: 2 })
    const told = notices.filter((text) => text.includes('is gone'))
    assert.is(told.length, 1)
    assert.match(told[0] ?? '', /under which vault\.Account was read is gone: that stays/)
    const points = (await readHeld(bank)).controls.flatMap((control) =>
      control.control === 'attempt' ? [control.consistencyPoint] : [],
    )
    const latest = points.map(parseLsn).reduce((left, right) => (left > right ? left : right))
    assert.is(parseLsn(outcome.consistencyPoint), latest, 'the consistency point must be that of the last snapshot')
    assert.is((await bank.publish()).outcome, 'already closed')
  }))

test('without a slot all entities get a new attempt, since nothing delivers what was written in between', () =>
  withBank({ ...LARGE, withSlot: false }, async (bank) => {
    await loseSnapshot(bank, 'no slot')
    await bank.client.query(`UPDATE "Account" SET note = 'later'; UPDATE "Purse" SET note = 'later'`)
    await bank.publish({ withSlot: false })
    await assertWhole(bank, 1)
    assert.equal(await attemptsOf(bank), { Account: 2, Purse: 2, Coin: 2 })
  }))

test('without a slot a killed publisher is followed by one that goes on under the same snapshot', () =>
  withBank({ rows: 200, withSlot: false }, async (bank) => {
    const before = { Account: await bankRows(bank, 'Account'), Purse: await bankRows(bank, 'Purse') }
    await crashAt(bank, 'publish-entity-stored', { slot: 'no slot' })
    await bank.client.query(`UPDATE "Account" SET note = 'later'; UPDATE "Purse" SET note = 'later'`)
    await bank.publish({ withSlot: false })
    await assertWhole(bank, 1, before)
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 1, Coin: 1 })
    assert.equal(await keepersOf(bank), [])
  }))

test('when all is finished, nothing is read any more, though the snapshot is lost', () =>
  withBank({ rows: 200 }, async (bank) => {
    const before = { Account: await bankRows(bank, 'Account'), Purse: await bankRows(bank, 'Purse') }
    await crashAt(bank, 'publish-snapshot-read')
    await endKeepers(bank.client, bank.dependencies.prefix)
    await bank.client.query('TRUNCATE "Account"')
    await bank.publish()
    await assertWhole(bank, 1, before)
    assert.equal(await attemptsOf(bank), { Account: 1, Purse: 1, Coin: 1 })
  }))

test.run()
