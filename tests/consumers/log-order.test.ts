import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertFollows } from '../../consumers/log-order.ts'

const message = (sequence: number, epoch: number, number: number) => ({ sequence, epoch, number })

const refused = (...of: Parameters<typeof assertFollows>): void => {
  assert.throws(() => assertFollows(...of), /^(Stream|Message).*--new-epoch\.$/)
}

test('the next number of an epoch follows, and so does the first of a later epoch', () => {
  assertFollows('S', message(7, 1, 7), message(8, 1, 8))
  assertFollows('S', message(7, 1, 7), message(8, 2, 1))
  assertFollows('S', message(7, 1, 7), message(8, 5, 1))
})

test('an epoch begins with its first message', () => {
  assertFollows('S', null, message(1, 1, 1))
  assertFollows('S', null, message(40, 3, 1))
  refused('S', null, message(1, 1, 2))
})

test('a gap, a repetition, a step back and an epoch without its beginning are refused', () => {
  refused('S', message(7, 1, 7), message(8, 1, 9))
  refused('S', message(7, 1, 7), message(8, 1, 7))
  refused('S', message(7, 2, 7), message(8, 1, 8))
  refused('S', message(7, 1, 7), message(8, 2, 2))
})

test('a gap is told with the numbers on both sides of it', () => {
  assert.throws(
    () => assertFollows('SHOP_SALES', message(7, 1, 7), message(8, 1, 9)),
    /SHOP_SALES.*message 8 is number 9 of epoch 1, after number 7 of epoch 1/,
  )
})

test('a message without our headers is somebody else’s', () => {
  refused('S', null, message(1, Number.NaN, Number.NaN))
  refused('S', null, message(1, 1, 0))
  refused('S', null, message(1, 0, 1))
  refused('S', null, message(1, 1.5, 1))
})

test.run()
