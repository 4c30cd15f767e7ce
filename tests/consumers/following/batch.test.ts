import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  firstChanges,
  type Gathered,
  nextChanges,
  transactionsOf,
  wholePart,
} from '../../../consumers/following/batch.ts'

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

/** A message of transactions of one change each that is not looked at. */
function filled(sequence: number, ...lsns: readonly string[]): Gathered {
  const { pieces, ...rest } = message(sequence, ...lsns.map((lsn) => [lsn, true] as const))
  return { ...rest, pieces: pieces.map((piece) => ({ ...piece, changes: [{} as never] })) }
}

function places(gathered: readonly Gathered[]): unknown[] {
  return gathered.map(({ pieces, sequences }) => [pieces.map(({ lsn }) => lsn), sequences])
}

test('of what waits so many changes are taken as are asked for, to the end of their transaction', () => {
  const open = { ...filled(3, '0/4'), pieces: filled(3, '0/4').pieces.map((piece) => ({ ...piece, last: false })) }
  const gathered = [filled(1, '0/1', '0/2'), filled(2, '0/3'), open, filled(4, '0/4')]
  const cut = (most: number): unknown[] => {
    const { first, later } = firstChanges(gathered, most)
    return [places(first), places(later)]
  }
  const [one, two, three, four] = places(gathered)
  assert.equal(cut(1), [[[['0/1'], []]], [[['0/2'], [1]], two, three, four]])
  assert.equal(cut(2), [[one], [two, three, four]])
  assert.equal(cut(4), [[one, two, three, four], []])
  assert.equal(cut(Number.POSITIVE_INFINITY), [[one, two, three, four], []])
})

test('a batch has as many changes as are applied in five seconds, and one at the least', () => {
  assert.is(nextChanges(1, 100), 50)
  assert.is(nextChanges(50, 60_000), 4)
  assert.is(nextChanges(1, 60_000), 1)
  assert.is(nextChanges(5_000, 100), 250_000)
  assert.is(nextChanges(5_000, 0), 25_000_000)
})

test.run()
