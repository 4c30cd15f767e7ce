// deadline: 300 s
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Control } from '../../contracts/wire/message.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import { assertWhole, bankRows, removeMessage, slotPoint, updateStream } from './bank-checks.ts'
import { finishedIn, readSettled } from './killed-publisher.ts'
import { failureOf, inTime } from './with-log.ts'
import { assertNoSessions, type Bank, type BankOptions, untilTrue, watchFor, withBank } from './with-bank.ts'

/** Enough pages that a publisher can be ended in the middle of them. */
const MANY: BankOptions = { rows: 600, noteBytes: 500 }

/** Runs a publication that ends at the n-th event of a kind, in some way. */
async function endAt(
  bank: Bank,
  { type, count = 1 }: { readonly type: PublisherEvent['type']; readonly count?: number },
  end: (abort: AbortController) => void | Promise<void>,
): Promise<unknown> {
  const abort = new AbortController()
  let left = count
  let ending = Promise.resolve()
  const publishing = bank.publish({ signal: abort.signal }, (event) => {
    if (event.type !== type) return
    left -= 1
    // It may throw, and that is the listener's own way to end.
    if (left === 0) ending = Promise.resolve(end(abort))
  })
  const reason: unknown = await inTime(
    20_000,
    publishing.then(
      () => new Error(`It was published before it was ended at ${type}`),
      (error: unknown) => error,
    ),
  )
  await ending
  return reason
}

const MOMENTS = [
  { type: 'epoch-begun' },
  { type: 'snapshot-planned' },
  { type: 'page-stored', count: 1 },
  { type: 'page-stored', count: 40 },
  { type: 'entity-completed', count: 1 },
  { type: 'entity-completed', count: 3 },
  { type: 'manifest-closed', count: 1 },
] as const

for (const moment of MOMENTS) {
  const when = `${moment.type}${'count' in moment ? ` ${moment.count}` : ''}`

  test(`a publication that is aborted at ${when} leaves no session, and the next one makes it whole`, () =>
    withBank(MANY, async (bank) => {
      const reason = await endAt(bank, moment, (abort) => abort.abort(new Error('enough')))
      assert.match(String(reason), 'enough')
      await assertNoSessions(bank)
      const point = await slotPoint(bank)
      // What was under way may be stored a moment later.
      const finished = finishedIn(await readSettled(bank))
      const begun = await attemptsOf(bank)
      const before = await bankRows(bank, 'Purse')
      await bank.client.query(`UPDATE "Purse" SET note = 'later' WHERE id = '7'`)
      const outcome = await bank.publish()
      assert.is(outcome.outcome, 'closed')
      // What was finished stays, since the slot delivers what was written since; the rest is read under a new snapshot.
      await assertWhole(bank, 1, finished.includes('Purse') ? { Purse: before } : {})
      const isVoid = (entity: string): boolean => begun.has(entity) && !finished.includes(entity)
      for (const [entity, attempt] of await attemptsOf(bank)) assert.is(attempt, isVoid(entity) ? 2 : 1, entity)
      if (moment.type !== 'epoch-begun') assert.is(await slotPoint(bank), point, 'the slot must be the same')
      assert.is((await bank.publish()).outcome, 'already closed')
    }))
}

test('a publication whose listener throws ends with that, and the next one makes it whole', () =>
  withBank(MANY, async (bank) => {
    const reason = await endAt(bank, { type: 'page-stored', count: 20 }, () => {
      throw new Error('of the listener')
    })
    assert.match(String(reason), 'of the listener')
    await assertNoSessions(bank)
    await bank.publish()
    await assertWhole(bank, 1)
  }))

async function attemptsOf(bank: Bank): Promise<Map<string, number>> {
  const { controls } = await readAll(bank)
  const newest = new Map<string, number>()
  for (const control of controls) if (control.control === 'attempt') newest.set(control.entity, control.attempt)
  return newest
}

async function readAll(bank: Bank): Promise<{ controls: readonly Control[] }> {
  return { controls: [...(await bank.read('vault')).controls, ...(await bank.read('wallet')).controls] }
}

for (const session of ['publish (', 'publish slot', 'publish reader'])
  test(`a publication that loses its session "${session}" says so once, and goes on by itself`, () =>
    withBank(MANY, async (bank) => {
      const locker = await bank.session()
      await locker.query('BEGIN')
      const away = watchFor('notice')
      let isLocked = false
      const publishing = bank.publish({ readers: 1 }, (event) => {
        away.watch(event)
        // So that its one reader surely waits for a table, with others before it read or not.
        if (event.type === 'snapshot-planned' && !isLocked)
          void locker.query('LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
        isLocked ||= event.type === 'snapshot-planned'
      })
      const waits = `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`
      await untilTrue(bank.client, waits)
      assert.is(await bank.terminate(session), 1)
      while (!away.notices.some((text) => text.includes('is away'))) await sleep(30)
      await locker.query('ROLLBACK')
      assert.is((await inTime(30_000, publishing)).outcome, 'closed')
      await assertWhole(bank, 1)
      const told = away.notices.filter((text) => text.includes('is away'))
      assert.is(told.length, 1)
      assert.match(
        told[0] ?? '',
        /^The monolith \(MONOLITH_DATABASE_URL, .*\) is away \(.*\): waiting for it, up to 20 s\.$/,
      )
      await assertNoSessions(bank)
    }))

test('a new epoch whose publication loses its sessions goes on, and no further one begins', () =>
  withBank({}, async (bank) => {
    await bank.publish()
    const locker = await bank.session()
    let isLocked = false
    await locker.query('BEGIN')
    const publishing = bank.publish({ newEpoch: true, readers: 1 }, ({ type }) => {
      if (type === 'snapshot-planned' && !isLocked) void locker.query('LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
      isLocked ||= type === 'snapshot-planned'
    })
    await untilTrue(bank.client, `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`)
    await bank.terminate('publish')
    await locker.query('ROLLBACK')
    assert.is((await inTime(30_000, publishing)).epoch, 2)
    await assertWhole(bank, 2)
  }))

test('an epoch that began in some streams alone goes on in all of them, with the same slot', () =>
  withBank({}, async (bank) => {
    await updateStream(bank, 'wallet', { max_bytes: 10 })
    // The slot is made within this time too, and waits for what else goes on in the server.
    const failure = await failureOf(bank.publish({ maxOutageMs: 10_000 }))
    assert.is(failure.exitCode, 5)
    assert.match(failure.message, 'takes no more messages (maximum bytes exceeded): it has reached its own max_bytes')
    assert.equal((await bank.read('wallet')).controls, [])
    assert.is((await bank.read('vault')).controls[0]?.control, 'epoch')
    const point = await slotPoint(bank)
    await updateStream(bank, 'wallet', { max_bytes: -1 })
    assert.is((await bank.publish()).epoch, 1)
    await assertWhole(bank, 1)
    assert.is(await slotPoint(bank), point)
    const epochs = await Promise.all(['vault', 'wallet'].map(async (name) => (await bank.read(name)).controls[0]))
    assert.equal(
      epochs.map((control) => control?.control === 'epoch' && control.slot?.consistentPoint),
      [point, point],
    )
  }))

test('an open epoch whose slot is gone is not gone on with', () =>
  withBank(MANY, async (bank) => {
    await endAt(bank, { type: 'page-stored', count: 2 }, (abort) => abort.abort(new Error('enough')))
    await assertNoSessions(bank)
    await bank.client.query('SELECT pg_drop_replication_slot($1)', [bank.slot])
    const failure = await failureOf(bank.publish())
    assert.is(failure.message, `Slot ${bank.slot} is gone: begin anew with --new-epoch.`)
    assert.is((await bank.publish({ newEpoch: true })).epoch, 2)
    await assertWhole(bank, 2)
  }))

test('a log from which a message of the open epoch was removed is not gone on with', () =>
  withBank({ ...MANY, removable: true }, async (bank) => {
    await endAt(bank, { type: 'page-stored', count: 40 }, (abort) => abort.abort(new Error('enough')))
    await removeMessage(bank, 'vault', 6)
    const failure = await failureOf(bank.publish())
    assert.is(failure.exitCode, 4)
    assert.match(failure.message, 'The stream of service vault does not hold its message 6: messages were removed')
  }))

test('a snapshot from which a message was removed while it was published is not closed', () =>
  withBank({ ...MANY, removable: true }, async (bank) => {
    const locker = await bank.session()
    await locker.query('BEGIN')
    const stored = watchFor('page-stored')
    const publishing = bank.publish({ readers: 2 }, (event) => {
      stored.watch(event)
      if (event.type === 'snapshot-planned') void locker.query('LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    })
    const failing = failureOf(inTime(20_000, publishing))
    await stored.seen
    await removeMessage(bank, 'vault', 2)
    await locker.query('ROLLBACK')
    assert.match((await failing).message, /Stream .*_VAULT does not hold its message 2: messages were removed/)
    assert.is((await bank.publish({ newEpoch: true })).epoch, 2)
  }))

test.run()
