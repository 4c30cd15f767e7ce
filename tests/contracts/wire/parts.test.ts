import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import type { Part } from '../../../contracts/wire/message.ts'
import { PartAssembler, splitIntoParts } from '../../../contracts/wire/parts.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { holds } from './holds.ts'

function partsOf(payload: Uint8Array, partBytes: number, id: string): Part[] {
  return [...splitIntoParts(payload, partBytes, id)].map((bytes) => {
    const message = decodeMessage(bytes)
    if (message.kind !== 'part') throw new Error('A part is decoded as a part')
    return message
  })
}

function acceptAll(assembler: PartAssembler, parts: readonly Part[]): (Uint8Array | null)[] {
  return parts.map((part, index) => assembler.accept(index + 1, part))
}

/** Bytes that differ from place to place, so that parts in a wrong order are seen. */
function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) % 251)
}

const anySplit = fc.record({
  length: fc.oneof(fc.nat(5000), fc.constantFrom(0, 255, 256, 257, 65_536)),
  partBytes: fc.integer({ min: 200, max: 2000 }),
  order: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
})

test('parts are no larger than allowed, and give the message again in any order, with some of them twice', () => {
  holds(
    150,
    fc.property(anySplit, ({ length, partBytes, order }) => {
      const payload = bytesOf(length)
      const encoded = [...splitIntoParts(payload, partBytes, '1/Élément/1/0/0')]
      for (const bytes of encoded) assert.ok(bytes.length <= partBytes)
      const parts = partsOf(payload, partBytes, '1/Élément/1/0/0')
      const [last, ...shuffled] = parts
        .map((part) => ({ part, place: order.next().value ?? 0 }))
        .toSorted((one, other) => one.place - other.place)
        .map(({ part }) => part)
      const assembler = new PartAssembler()
      for (const whole of acceptAll(assembler, [...shuffled, ...shuffled])) assert.is(whole, null)
      const whole = assembler.accept(100, last as Part)
      assert.ok(whole !== null && Buffer.from(payload).equals(whole))
      assert.is(assembler.firstPendingSequence(), null)
    }),
  )
})

test('all parts but the last are of one size, as large as allowed to a few bytes', () => {
  const parts = partsOf(bytesOf(1_000_000), 100_000, 'x')
  const sizes = parts.map(({ bytes }) => bytes.length)
  assert.is(new Set(sizes.slice(0, -1)).size, 1)
  const [first] = [...splitIntoParts(bytesOf(1_000_000), 100_000, 'x')]
  assert.ok((first?.length ?? 0) > 99_980)
})

test('the first pending sequence is the lowest of the messages that are not whole', () => {
  const assembler = new PartAssembler()
  const [a, b] = [partsOf(bytesOf(1000), 500, 'a'), partsOf(bytesOf(2000), 500, 'b')]
  assembler.accept(10, b[0] as Part)
  assembler.accept(11, a[0] as Part)
  assembler.accept(12, b[1] as Part)
  assert.is(assembler.firstPendingSequence(), 10)
  for (const [index, part] of b.slice(2).entries()) assembler.accept(13 + index, part)
  assert.is(assembler.firstPendingSequence(), 11)
})

test('messages of a void attempt are dropped by their ids', () => {
  const assembler = new PartAssembler()
  assembler.accept(5, partsOf(bytesOf(1000), 500, '1/Thing/1/0/0')[0] as Part)
  assembler.accept(6, partsOf(bytesOf(1000), 500, '1/Thing/2/0/0')[0] as Part)
  assembler.drop((id) => id.startsWith('1/Thing/1/'))
  assert.is(assembler.firstPendingSequence(), 6)
})

test('a message that is sent again in parts of another size is assembled apart, and the rest of the first is dropped', () => {
  const assembler = new PartAssembler()
  const payload = bytesOf(3000)
  assembler.accept(1, partsOf(payload, 500, 'a')[0] as Part)
  const again = acceptAll(assembler, partsOf(payload, 1000, 'a'))
  assert.ok(Buffer.from(payload).equals(again.at(-1) ?? new Uint8Array(0)))
  assert.is(assembler.firstPendingSequence(), null)
})

function refuses(assembler: PartAssembler, part: Part, sentence: RegExp): void {
  assert.throws(
    () => assembler.accept(99, part),
    (error: unknown) => error instanceof WireError && sentence.test(error.message),
  )
}

test('parts that contradict each other are refused', () => {
  const [first, second] = partsOf(bytesOf(600), 500, 'a') as [Part, Part]
  const assembler = new PartAssembler()
  assembler.accept(1, first)
  refuses(assembler, { ...first, bytes: bytesOf(3) }, /^Part 0 of message a comes twice, with different bytes\.$/)
  refuses(
    assembler,
    { ...second, digest: new Uint8Array(32) },
    /^Part 1 of message a has another digest than those before it\.$/,
  )
  refuses(
    assembler,
    { ...second, bytes: bytesOf(3) },
    /^Part 1 of message a ends a message that does not have its digest\.$/,
  )
})

test('only so many messages are assembled at once', () => {
  const assembler = new PartAssembler()
  const first = (id: string): Part => partsOf(bytesOf(600), 500, id)[0] as Part
  for (let index = 0; index < 64; index++) assembler.accept(index + 1, first(`m${index}`))
  refuses(assembler, first('one more'), /^More than 64 messages in parts are under way at once, one more among them/)
})

test('a broker that takes too little for a message is named as the cause', () => {
  const split = (length: number, partBytes: number) => () => [...splitIntoParts(new Uint8Array(length), partBytes, 'a')]
  assert.throws(
    split(10, 80),
    /A message of 10 bytes cannot travel in parts of 80, .*raise the broker's max_payload\.$/,
  )
  assert.throws(split(20_000_000, 300), /raise the broker's max_payload/)
})

test.run()
