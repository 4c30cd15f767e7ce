import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isVisible, parseVisibility } from '../../contracts/visibility.ts'

test('a snapshot shows what had ended, and not what was in progress or came later', () => {
  const snapshot = parseVisibility('750:754:751,753')
  const shown = [749n, 750n, 751n, 752n, 753n, 754n, 755n].filter((xid) => isVisible(snapshot, xid))
  assert.equal(shown, [749n, 750n, 752n])
})

test('a snapshot beyond 32 bits is one too', () => {
  const snapshot = parseVisibility('18446744073709551610:18446744073709551615:18446744073709551611')
  assert.not(isVisible(snapshot, 18446744073709551611n))
  assert.ok(isVisible(snapshot, 18446744073709551612n))
})

for (const text of ['', '1:2', '1:2:a', 'a:2:', '1:2:3;4'])
  test(`${JSON.stringify(text)} is no snapshot`, () => assert.throws(() => parseVisibility(text), 'Not a snapshot'))

test.run()
