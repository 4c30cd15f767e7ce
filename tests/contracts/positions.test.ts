import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as fc from 'fast-check'
import { lsnText, parseEpoch, parseLsn, parseStreamSequence } from '../../contracts/positions.ts'

const MAX_LSN = 2n ** 64n - 1n

test('an LSN is read in the forms that PostgreSQL and its clients write', () => {
  assert.is(parseLsn('0/16B3748'), 0x16b3748n)
  assert.is(parseLsn('16/B374D848'), 0x16_b374d848n)
  assert.is(parseLsn('00000016/B374D848'), 0x16_b374d848n)
  assert.is(parseLsn('16/b374d848'), 0x16_b374d848n)
  assert.is(parseLsn('0/0'), 0n)
  assert.is(parseLsn('FFFFFFFF/FFFFFFFF'), MAX_LSN)
})

test("an LSN is written as PostgreSQL writes it: the lower half's leading zeros are left out", () => {
  assert.is(lsnText(parseLsn('00000001/0000000A')), '1/A')
  assert.is(lsnText(parseLsn('0/0')), '0/0')
})

test('what is no LSN is refused by name', () => {
  const wrong = ['', '/', '0', '0/', '/0', '0/G', '0x0/0', '-1/0', '+1/0', ' 0/1', '0/1 ', '0/1\n', '0/1/2', '0//1']
  for (const text of [...wrong, '0/123456789', '123456789/0', '0/1.5', '٠/٠'])
    assert.throws(
      () => parseLsn(text),
      (error: unknown) => error instanceof RangeError && error.message === `Not an LSN: ${JSON.stringify(text)}`,
    )
})

test('property: an LSN that is written and read is the same, with leading zeros and in lower case too', () => {
  const lsns = fc.bigInt({ min: 0n, max: MAX_LSN })
  fc.assert(
    fc.property(lsns, (lsn) => {
      const padded = lsn.toString(16).padStart(16, '0')
      const parsed = parseLsn(`${padded.slice(0, 8)}/${padded.slice(8)}`)
      assert.is(parsed, lsn)
      assert.is(parseLsn(lsnText(parsed)), lsn)
      assert.is(parseLsn(lsnText(parsed).toLowerCase()), lsn)
      assert.match(lsnText(parsed), /^(0|[1-9A-F][0-9A-F]*)\/(0|[1-9A-F][0-9A-F]*)$/)
    }),
  )
})

test('an epoch is a whole number from 1', () => {
  assert.is(parseEpoch(1), 1)
  assert.is(parseEpoch(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  for (const wrong of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) assert.throws(() => parseEpoch(wrong), /^Not an epoch: /)
})

test('a stream sequence is a whole number from 0, which stands before the first message', () => {
  assert.is(parseStreamSequence(0), 0)
  assert.is(parseStreamSequence(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53])
    assert.throws(() => parseStreamSequence(wrong), /^Not a stream sequence: /)
})

test.run()
