import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createWatermark } from '../../consumers/watermark.ts'

const start = { sequence: 0, writer: 'a' }

test('nothing read leaves it where it began', () => {
  assert.equal(createWatermark({ sequence: 41, writer: 'a' }).current(), { sequence: 41, writer: 'a' })
})

test('it stays before the first message that is not applied', () => {
  const watermark = createWatermark(start)
  for (const sequence of [1, 2, 3]) watermark.began(sequence, 'a')
  watermark.applied([1, 3])
  assert.is(watermark.current().sequence, 1)
  watermark.applied([2])
  assert.is(watermark.current().sequence, 3)
})

test('it names the writer of the message where it stands, while later writers are read already', () => {
  const watermark = createWatermark({ sequence: 5, writer: 'a' })
  for (const [sequence, writer] of [
    [6, 'a'],
    [7, 'b'],
    [8, 'b'],
    [9, 'c'],
  ] as const)
    watermark.began(sequence, writer)
  assert.equal(watermark.current(), { sequence: 5, writer: 'a' })
  watermark.applied([6, 8])
  assert.equal(watermark.current(), { sequence: 6, writer: 'a' })
  watermark.applied([7])
  assert.equal(watermark.current(), { sequence: 8, writer: 'b' })
  watermark.applied([9])
  assert.equal(watermark.current(), { sequence: 9, writer: 'c' })
})

/** Messages are read in order; any that is read and not applied may be applied next. */
const steps = fc.array(fc.oneof(fc.constant('read' as const), fc.nat(40)), { maxLength: 200 })

test('in whatever order messages are applied, it never passes one that is not, and ends at the highest', () => {
  fc.assert(
    fc.property(steps, fc.nat(1000), (taken, first) => {
      const watermark = createWatermark({ sequence: first, writer: `w${first}` })
      const writerOf = (sequence: number): string => (sequence === first ? `w${first}` : `w${Math.floor(sequence / 7)}`)
      const pending: number[] = []
      let highest = first
      let reached = first
      for (const step of taken) {
        if (step === 'read') {
          highest += 1
          watermark.began(highest, writerOf(highest))
          pending.push(highest)
        } else watermark.applied(pending.splice(step % (pending.length || 1), 1))
        const { sequence, writer } = watermark.current()
        assert.is(sequence, Math.min(highest, ...pending.map((waiting) => waiting - 1)))
        assert.is(writer, writerOf(sequence))
        assert.ok(sequence >= reached, 'It went back')
        reached = sequence
      }
      watermark.applied(pending)
      assert.is(watermark.current().sequence, highest)
    }),
  )
})

test('what is held until the tables are complete is passed, and not applied', () => {
  const watermark = createWatermark({ sequence: 0, writer: 'a' })
  for (const sequence of [1, 2, 3, 4]) watermark.began(sequence, 'a')
  watermark.applied([1, 3])
  watermark.held([2])
  assert.equal([watermark.current().sequence, watermark.passed()], [1, 3])
  watermark.applied([4])
  assert.equal([watermark.current().sequence, watermark.passed()], [1, 4])
})

test.run()
