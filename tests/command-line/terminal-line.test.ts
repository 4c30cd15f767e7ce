import picocolors from 'picocolors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { frameOf } from '../../infra/command-line/full-screen.ts'
import {
  cellOf,
  cutText,
  partsLine,
  printableText,
  renderedLine,
  span,
  widthOf,
  wrapSentence,
} from '../../infra/command-line/terminal-line.ts'

const AT_10 = { columns: 10, isUnicode: true, colours: picocolors.createColors(false) }

test('what moves a cursor is taken out of a text, and an ASCII terminal gets ASCII', () => {
  assert.is(printableText('a\u001B[2Jb\r\nc\u202Ed', true), 'a [2Jb cd')
  assert.is(printableText('naïve … 数', false), 'na?ve ~ ?')
})

test('wide characters take two cells, marks none', () => {
  assert.equal([widthOf('abc'), widthOf('数据'), widthOf('🚀'), widthOf('e\u0301'), widthOf('▁█…')], [3, 4, 2, 1, 3])
  assert.is(cutText('数据库', 5), '数据…')
  assert.is(cutText('数据库', 4), '数…')
  assert.is(widthOf(cellOf(span('数据库'), 5, 'left').text), 5)
})

test('a line that is too long shows that it lost its end, also where a piece ends at the edge', () => {
  assert.is(renderedLine([span('0123456789')], AT_10), '0123456789')
  assert.is(renderedLine([span('0123456789'), span('a')], AT_10), '012345678…')
  assert.is(renderedLine([span('01234'), span('567890')], AT_10), '012345678…')
  assert.is(renderedLine([span('数据库数据库')], AT_10), '数据库数…')
})

test('a sentence is wrapped at blanks, and a word that has no room is broken', () => {
  assert.equal(wrapSentence('one two three', 8, '  '), ['one two', '  three'])
  assert.equal(wrapSentence('abcdefghij', 4), ['abcd', 'efgh', 'ij'])
  assert.equal(wrapSentence('数据库', 4), ['数据', '库'])
  assert.equal(wrapSentence('数', 1), ['?'])
  assert.equal(wrapSentence('', 5), [''])
})

test('parts are left out by their rank, and one stays', () => {
  const parts = [
    { rank: 1, line: [span('first')] },
    { rank: 0, line: [span('second')] },
    { rank: 2, line: [span('third')] },
  ]
  const textAt = (columns: number): string =>
    partsLine(parts, columns)
      .map(({ text }) => text)
      .join('')
  assert.equal(
    [textAt(20), textAt(19), textAt(12), textAt(3)],
    ['first  second  third', 'first  second', 'second', 'second'],
  )
})

test('a frame puts each line at its place, and erases nothing of a line that fills the last cell', () => {
  assert.is(
    frameOf(['full', '\u001B[31mred\u001B[39m'], 4),
    '\u001B[?2026h\u001B[1;1Hfull\u001B[2;1H\u001B[31mred\u001B[39m\u001B[K\u001B[?2026l',
  )
})

test.run()
