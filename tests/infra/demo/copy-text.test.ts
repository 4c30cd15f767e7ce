import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { copyLine } from '../../../infra/demo/monolith/copy-text.ts'

test('NULL, the empty string and the text \\N are three values', () => {
  assert.is(copyLine([null, '', '\\N', '']), '\\N\t\t\\\\N\t\n')
  assert.is(copyLine(['', null]), '\t\\N\n')
})

test('what would end a field or a row is escaped, and nothing else is', () => {
  assert.is(copyLine(['a\tb\nc\rd\\.']), 'a\\tb\\nc\\rd\\\\.\n')
  assert.is(copyLine(['\b\v\f\u0001é\u{1f600}"']), '\b\v\f\u0001é\u{1f600}"\n')
})

test.run()
