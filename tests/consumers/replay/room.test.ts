import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { roomSentence } from '../../../consumers/replay/room.ts'

test('where there is no room for a second copy, both sizes and the ways out are told', () => {
  assert.is(
    roomSentence('the database of service iam', 'iam', { needed: 5_500_000, free: 1 }),
    'A second copy of the tables takes about 6 MB in the database of service iam, whose disk has 1 MB left: make room, or rebuild the service elsewhere with replay iam --into.',
  )
})

test.run()
