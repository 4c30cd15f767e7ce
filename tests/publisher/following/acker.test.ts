import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Lsn } from '../../../contracts/positions.ts'
import { Acker, type Ticket } from '../../../publisher/following/acker.ts'
import { holds } from '../../contracts/wire/holds.ts'

const PLACE = { service: 'till', sequence: 1 }
const lsn = (number: number): Lsn => BigInt(number) as Lsn

test('nothing is confirmed past the end of the last transaction before one that is not stored', () => {
  const acker = new Acker(0, lsn(10))
  const [first, second] = [acker.begin(1), acker.begin(1)]
  acker.sent(first)
  acker.sent(second)
  acker.committed(first, lsn(20))
  acker.committed(second, lsn(30))
  acker.received(lsn(99))
  acker.stored(second, 1, PLACE)
  assert.is(acker.confirmable(1), lsn(10))
  acker.stored(first, 2, PLACE)
  assert.is(acker.confirmable(2), lsn(99))
})

test('adjacent commits: where the second begins at the end of the first, it is not confirmed with it', () => {
  const acker = new Acker(0, lsn(0))
  const [first, second] = [acker.begin(1), acker.begin(1)]
  acker.sent(second)
  acker.committed(first, lsn(20))
  acker.committed(second, lsn(28))
  assert.is(acker.confirmable(1), lsn(20))
})

test('a keepalive in the middle of a transaction confirms nothing of it', () => {
  const acker = new Acker(0, lsn(5))
  const ticket = acker.begin(1)
  acker.received(lsn(50))
  assert.is(acker.confirmable(1), lsn(5))
  acker.committed(ticket, lsn(60))
  assert.is(acker.confirmable(1), lsn(60))
})

test('what the broker may still have in its memory alone is not confirmed', () => {
  const acker = new Acker(1_000, lsn(0))
  const ticket = acker.begin(1)
  acker.sent(ticket)
  acker.committed(ticket, lsn(20))
  acker.stored(ticket, 5_000, PLACE)
  assert.is(acker.confirmable(5_999), lsn(0))
  assert.is(acker.confirmable(6_000), lsn(20))
})

test('what an earlier run has stored waits for the broker too, and is guarded', () => {
  const acker = new Acker(1_000, lsn(0))
  const ticket = acker.begin(1)
  acker.found(ticket, 5_000, PLACE)
  acker.committed(ticket, lsn(20))
  assert.equal([acker.confirmable(5_999), [...acker.places]], [lsn(0), []])
  assert.equal([acker.confirmable(6_000), [...acker.places]], [lsn(20), [['till', 1]]])
})

test('a million transactions between two syncs are not a million entries', () => {
  const acker = new Acker(120_000, lsn(0))
  for (let number = 1; number <= 100_000; number += 1) {
    const ticket = acker.begin(1)
    acker.sent(ticket)
    acker.committed(ticket, lsn(number))
    acker.stored(ticket, 1 + number / 10, PLACE)
    if (number % 1_000 === 0) acker.confirmable(number / 10)
  }
  acker.confirmable(10_001)
  assert.ok(acker.pending <= 20, String(acker.pending))
  assert.is(acker.confirmable(130_002), lsn(100_000))
})

const most = (left: Lsn, right: Lsn): Lsn => (left > right ? left : right)

type Step =
  | { readonly kind: 'begin' | 'commit' | 'send' | 'alive' | 'look' }
  | { readonly kind: 'store'; readonly which: number }

/** What an observer who knows everything would allow. */
function allowed(tickets: readonly (Ticket & { at: number })[], now: number, syncMs: number, received: Lsn): Lsn {
  let confirmed = lsn(0)
  for (const { end, unstored, storedAt } of tickets) {
    if (end === null || unstored > 0 || (storedAt !== 0 && now - storedAt < syncMs)) return confirmed
    confirmed = end
  }
  return received > confirmed ? received : confirmed
}

test('whatever happens in whatever order, it confirms what an observer who knows everything would', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.constantFrom<Step>({ kind: 'begin' }, { kind: 'commit' }, { kind: 'send' }, { kind: 'alive' }, { kind: 'look' }),
    fc.record({ kind: fc.constant('store' as const), which: fc.nat(20) }),
  )
  holds(
    500,
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(0, 7), (steps, syncMs) => {
      const acker = new Acker(syncMs, lsn(0))
      // The observer keeps books of its own, since the acker's may be joined.
      const own: (Ticket & { at: number })[] = []
      const tickets: Ticket[] = []
      let [now, position, received, best] = [1, 0, lsn(0), lsn(0)]
      for (const each of steps) {
        now += 1
        const last = own.at(-1)
        if (each.kind === 'begin' && last?.end !== null) {
          tickets.push(acker.begin(1))
          own.push({ committedAt: 1, end: null, unstored: 0, storedAt: 0, places: new Map(), at: own.length })
        } else if (each.kind === 'send' && last?.end === null) {
          acker.sent(tickets.at(-1) as Ticket)
          last.unstored += 1
        } else if (each.kind === 'commit' && last?.end === null) {
          position += 10
          last.end = received = lsn(position)
          acker.committed(tickets.at(-1) as Ticket, lsn(position))
        } else if (each.kind === 'store') {
          const at = own.findIndex(({ unstored }, index) => unstored > 0 && index >= each.which % own.length)
          const entry = own[at]
          if (entry === undefined) continue
          entry.unstored -= 1
          entry.storedAt = now
          acker.stored(tickets[at] as Ticket, now, PLACE)
        } else if (each.kind === 'alive') {
          position += 1
          received = lsn(position)
          acker.received(received)
        } else if (each.kind === 'look') {
          const confirmed = acker.confirmable(now)
          assert.ok(confirmed <= most(best, allowed(own, now, syncMs, received)), 'too much')
        }
        // What was right once stays right.
        best = most(best, allowed(own, now, syncMs, received))
      }
      for (const [at, entry] of own.entries())
        for (; entry.unstored > 0; entry.unstored -= 1) acker.stored(tickets[at] as Ticket, now, PLACE)
      if (own.at(-1)?.end !== null) assert.is(acker.confirmable(now + 100_000), received)
    }),
  )
})

test.run()
