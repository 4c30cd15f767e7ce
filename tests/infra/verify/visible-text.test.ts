import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { beginning, SHOWN_CHARACTERS, visibleText } from '../../../infra/verify/visible-text.ts'

const whole = (text: string): string => visibleText({ text, cutBefore: false, cutAfter: false })

test('NULL, the empty string and the word NULL look different', () => {
  assert.equal([visibleText(null), whole(''), whole('NULL')], ['NULL', '""', '"NULL"'])
})

test('spaces are seen by the quotes, and every other invisible character by its escape', () => {
  assert.is(whole('a '), '"a "')
  assert.is(whole('\t\n\r\\"'), '"\\t\\n\\r\\\\\\""')
  assert.is(whole('\u{feff}\u{200b}\u{a0}\u{2028}\u{7f}'), '"\\ufeff\\u200b\\u00a0\\u2028\\u007f"')
})

test('a combining character is told from the letter that is one with its accent', () => {
  assert.is(whole('e\u{301}'), '"e\\u0301"')
  assert.is(whole('é'), '"é"')
})

test('letters of any alphabet and emoji are shown as they are, unless the difference begins there', () => {
  assert.is(whole('مرحبا 😀'), '"مرحبا 😀"')
  const cyrillic = { text: 'pаy', cutBefore: false, cutAfter: false }
  assert.is(visibleText(cyrillic, 1), '"p\\u0430y"')
  assert.is(visibleText({ ...cyrillic, text: 'a😀' }, 1), '"a\\ud83d\\ude00"')
  assert.is(visibleText({ ...cyrillic, text: 'abc' }, 1), '"abc"')
})

test('where a value was cut stands outside its quotes', () => {
  assert.is(visibleText({ text: '…x', cutBefore: true, cutAfter: true }), '…"…x"…')
})

test('the beginning of a value says whether more follows, counted in characters', () => {
  const fits = '😀'.repeat(SHOWN_CHARACTERS)
  assert.equal(beginning(fits), { text: fits, cutBefore: false, cutAfter: false })
  assert.equal(beginning(`${fits}x`), { text: fits, cutBefore: false, cutAfter: true })
  assert.is(beginning(null), null)
})

test.run()
