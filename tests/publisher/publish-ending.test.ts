import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PublishOutcome } from '../../publisher/events.ts'
import type { TcpProxy } from '../tcp-proxy.ts'
import { assertWhole } from './bank-checks.ts'
import { assertNoSessions, type Bank, untilTrue, withBank, withProxiedBank } from './with-bank.ts'
import { failureOf, inTime } from './with-log.ts'

/** More pages of the first table than may be under way, so that its reader stops there until the broker answers. */
const HELD = { rows: 12_000, noteBytes: 1_200 }

/** What the server has written may lie in buffers on the way, so that it need not wait itself. */
const STOPPED = `EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'scission publish reader 1%'
  AND datname = current_database() AND query LIKE 'COPY %' AND query_start < clock_timestamp() - interval '500 ms')`

interface Held {
  readonly bank: Bank
  readonly proxy: TcpProxy
  readonly abort: AbortController
  /** How the publication ends. */
  readonly publishing: Promise<PublishOutcome>
}

/** A publication that is held up in the middle of a large table, since the broker does not answer. */
async function withHeldPublication(use: (held: Held) => Promise<void>): Promise<void> {
  await withProxiedBank(HELD, async (bank, proxy) => {
    await bank.client.query('TRUNCATE "Purse"')
    const abort = new AbortController()
    const options = { readers: 1, pageBytes: 65_536, signal: abort.signal }
    const publishing = bank.publish(options, ({ type }) => {
      if (type === 'snapshot-planned') proxy.hold(true)
    })
    const settled = publishing.catch(() => undefined)
    try {
      await untilTrue(bank.client, STOPPED)
      await use({ bank, proxy, abort, publishing })
    } finally {
      proxy.hold(false)
      await settled
    }
  })
}

test('an abort in the middle of a large table ends at once, leaves no session, and the next run goes on', () =>
  withHeldPublication(async ({ bank, proxy, abort, publishing }) => {
    abort.abort(new Error('enough'))
    assert.match(
      String(
        await inTime(
          1_500,
          publishing.catch((error: unknown) => error),
        ),
      ),
      'enough',
    )
    await assertNoSessions(bank)
    proxy.hold(false)
    const { rowCount } = await bank.client.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [bank.slot])
    assert.is(rowCount, 1, 'the slot must stay')
    await bank.publish()
    await assertWhole(bank, 1)
  }))

test('an abort while a table is locked ends at once, and leaves no session', () =>
  withBank({}, async (bank) => {
    const other = await bank.session()
    await other.query('BEGIN; LOCK TABLE "Purse" IN ACCESS EXCLUSIVE MODE')
    const abort = new AbortController()
    const ending = bank.publish({ signal: abort.signal }).catch((error: unknown) => error)
    await untilTrue(bank.client, `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '"Purse"'::regclass)`)
    abort.abort(new Error('enough'))
    assert.match(String(await inTime(1_500, ending)), 'enough')
    await assertNoSessions(bank)
  }))

test('a broker that is out of reach for a moment in the middle is waited for', () =>
  withHeldPublication(async ({ bank, proxy, publishing }) => {
    proxy.refuse(true)
    proxy.cut()
    proxy.hold(false)
    await sleep(1_500)
    proxy.refuse(false)
    assert.is((await inTime(20_000, publishing)).outcome, 'closed')
    await assertWhole(bank, 1)
  }))

test('a broker that stays out of reach ends the publication', () =>
  // Without a slot, whose making waits for transactions of the whole server.
  withProxiedBank({ withSlot: false }, async (bank, proxy) => {
    const failure = await failureOf(
      inTime(
        15_000,
        bank.publish({ withSlot: false, maxOutageMs: 1_500 }, ({ type }) => {
          if (type !== 'epoch-begun') return
          proxy.refuse(true)
          proxy.cut()
        }),
      ),
    )
    assert.is(failure.exitCode, 5)
    assert.match(failure.message, 'NATS has not answered for 1.5 s')
    await assertNoSessions(bank)
    proxy.refuse(false)
    await bank.publish({ withSlot: false })
    await assertWhole(bank, 1)
  }))

test.run()
