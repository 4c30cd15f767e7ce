import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closingLine, statusOf, sumOf, verdictOf } from './verdict.ts'

const exited = (status: number) => ({ kind: 'exited', status }) as const
const printed = (total: number, passed: number, skipped = 0) =>
  `• •   (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n\n`

test('a file whose tests all passed counts them', () => {
  assert.equal(verdictOf(exited(0), printed(3, 3, 1)), { passed: 3, failed: 0, skipped: 1 })
})

test('a file with failing tests counts each of them', () => {
  assert.equal(verdictOf(exited(1), printed(5, 3)), { passed: 3, failed: 2, skipped: 0 })
})

test('a file that exits with 0 although not all tests passed has failed, as after a hook that threw', () => {
  assert.equal(verdictOf(exited(0), printed(2, 0)), { passed: 0, failed: 2, skipped: 0 })
})

test('a file that registered no suite has failed', () => {
  const { failed, fault } = verdictOf(exited(0), 'hello\n')
  assert.is(failed, 1)
  assert.match(fault ?? '', 'without having run any suite')
})

test('a file that ran no test has failed, even if it skipped some', () => {
  assert.is(verdictOf(exited(0), printed(0, 0, 2)).failed, 1)
})

test('a file that exits with an error after its tests passed has failed', () => {
  const { failed, passed, fault } = verdictOf(exited(7), printed(2, 2))
  assert.equal([failed, passed], [1, 2])
  assert.match(fault ?? '', 'exited with 7')
})

test('a file that was killed at its deadline has failed, whatever it had printed', () => {
  const late = { kind: 'late', deadlineMs: 1500 } as const
  assert.match(verdictOf(late, '').fault ?? '', 'after its deadline of 1.5 s')
  assert.is(verdictOf(late, printed(2, 2)).failed, 1)
})

test('a file that was killed by a signal has failed', () => {
  assert.match(verdictOf({ kind: 'killed', signal: 'SIGSEGV' }, '').fault ?? '', 'killed by SIGSEGV')
})

test('a file that printed two summaries has failed', () => {
  assert.is(verdictOf(exited(0), printed(1, 1) + printed(1, 1)).failed, 1)
})

test('the closing line counts all files, and tells of skipped tests only if there are any', () => {
  const passed = { passed: 2, failed: 0, skipped: 0 }
  const failed = { passed: 1, failed: 3, skipped: 2 }
  assert.is(closingLine(sumOf([passed])), '2 passed, 0 failed')
  assert.is(closingLine(sumOf([passed, failed])), '3 passed, 3 failed, 2 skipped')
})

test('a run in which nothing passed is no success', () => {
  assert.equal([statusOf(sumOf([])), statusOf(sumOf([{ passed: 1, failed: 0, skipped: 0 }]))], [1, 0])
})

test.run()
