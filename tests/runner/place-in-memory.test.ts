import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { placeInMemory, roomIn } from './place-in-memory.ts'

const GIB = 2 ** 30

test('servers are kept in memory where both the file system and the machine have room for them', () => {
  assert.ok(roomIn(12 * GIB, 20 * GIB))
  assert.not.ok(roomIn(2 ** 26, 20 * GIB))
  assert.not.ok(roomIn(12 * GIB, 4 * GIB))
})

test('a system without such a file system keeps them on disk', async () => {
  assert.is(await placeInMemory('/nowhere/shm'), undefined)
})

test.run()
