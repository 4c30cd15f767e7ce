import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WideXids } from '../../../publisher/following/wide-xid.ts'
import { holds } from '../../contracts/wire/holds.ts'

test('32 bits become the 64 next to the last transaction that is known', () => {
  const near = (3n << 32n) + 5n
  const xids = new WideXids(near)
  assert.is(xids.widen(4), near - 1n)
  assert.is(xids.widen(6), near + 1n)
  assert.is(xids.widen(4_294_967_290), (3n << 32n) - 6n)
})

test('they stay right for however many transactions come, each of them near the one before', () => {
  holds(
    200,
    fc.property(
      fc.bigInt(1n << 33n, 1n << 60n),
      fc.array(fc.integer({ min: -1_000_000, max: 2_000_000_000 })),
      (from, steps) => {
        const xids = new WideXids(from)
        let xid = from
        for (const step of steps) {
          xid += BigInt(step)
          assert.is(xids.widen(Number(xid & 0xffffffffn)), xid)
          if (step < 0) xid -= BigInt(step)
        }
      },
    ),
  )
})

test.run()
