import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Gathered, transactionsOf, wholePart } from '../../../consumers/following/batch.ts'

/** A message of these pieces: where a transaction is, and whether it ends there. */
function message(sequence: number, ...pieces: readonly (readonly [lsn: string, last: boolean])[]): Gathered {
  return { pieces: pieces.map(([lsn, last]) => ({ lsn, last, changes: [] })), bytes: 1, sequences: [sequence] }
}

/** What a batch has: positions of its pieces, the messages that it finishes, and what is left. */
function outline(gathered: readonly Gathered[]): unknown {
  const batch = wholePart(gathered)
  if (batch === null) return null
  const left = batch.rest.map(({ pieces, sequences }) => [pieces.map(({ lsn }) => lsn), sequences])
  return [batch.pieces.map(({ lsn }) => lsn), batch.position, batch.sequences, left]
}

test('a batch ends with the last end that waits, and keeps the message of which something is left', () => {
  const gathered = [
    message(1, ['0/1', true], ['0/2', false]),
    message(2, ['0/2', true], ['0/3', false]),
    message(3, ['0/3', false]),
  ]
  assert.equal(outline(gathered), [
    ['0/1', '0/2', '0/2'],
    '0/2',
    [1],
    [
      [['0/3'], [2]],
      [['0/3'], [3]],
    ],
  ])
})

test('a message of which nothing is to be applied ends no transaction', () => {
  assert.equal(outline([message(1, ['0/1', false]), message(2)]), null)
  assert.equal(outline([message(1), message(2), message(3, ['0/1', false])]), [[], null, [1, 2], [[['0/1'], [3]]]])
  assert.equal(outline([message(1), message(2)]), [[], null, [1, 2], []])
  assert.is(wholePart([]), null)
})

test('each transaction of a batch is a batch of its own, with all its pieces', () => {
  const { pieces } = message(1, ['0/1', false], ['0/1', true], ['0/2', true], ['0/3', false])
  const batches = transactionsOf(pieces)
  assert.equal(
    batches.map(({ pieces: own, position, isWhole }) => [own.length, position, isWhole]),
    [
      [2, '0/1', true],
      [1, '0/2', true],
    ],
  )
})

test.run()
