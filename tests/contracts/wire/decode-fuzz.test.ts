import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage } from '../../../contracts/wire/encode-message.ts'
import type { Message } from '../../../contracts/wire/message.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { holds } from './holds.ts'
import { columnsOfShape, messages } from './sample-messages.ts'

const payloads = Object.values(messages).map((message) => Buffer.from(encodeMessage(message, columnsOfShape)))

/** Longer than any decoding here takes, by orders of magnitude. */
const HANG_MS = 1000

/** Either a message that could be encoded again, so all of its fields are of their types, or one sentence. */
function decodesOrRefuses(payload: Uint8Array): void {
  const begun = performance.now()
  let message: Message
  try {
    message = decodeMessage(payload)
  } catch (error) {
    assert.ok(error instanceof WireError && /^[A-Z].*\.$/s.test(error.message), String(error))
    return
  } finally {
    assert.ok(performance.now() - begun < HANG_MS)
  }
  encodeAgain(message)
}

/** A mutated value may no longer fit its column, which decoding does not know; anything else must be encodable. */
function encodeAgain(message: Message): void {
  try {
    encodeMessage(message, columnsOfShape)
  } catch (error) {
    const known = /in the column|values, and its shape has|Unknown shape/
    assert.ok(error instanceof Error && known.test(error.message), String(error))
  }
}

const anyPayload = fc.constantFrom(...payloads)
const anyBytes = fc.oneof(
  fc.nat(255),
  // The bytes that begin large things.
  fc.constantFrom(0xc1, 0xc6, 0xc7, 0xc9, 0xcb, 0xcf, 0xd3, 0xdb, 0xdd, 0xdf, 0x80, 0x90, 0xa0, 0xc0, 0xff),
)

test('messages with changed bytes are decoded or refused', () => {
  const changes = fc.array(fc.tuple(fc.nat(), anyBytes), { minLength: 1, maxLength: 6 })
  holds(
    4000,
    fc.property(anyPayload, changes, (original, places) => {
      const payload = Buffer.from(original)
      for (const [place, byte] of places) payload[place % payload.length] = byte
      decodesOrRefuses(payload)
    }),
  )
})

test('messages with pieces taken out or put in are decoded or refused', () => {
  const cut = fc.tuple(fc.nat(), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
  holds(
    3000,
    fc.property(anyPayload, cut, (original, [place, length, inserted]) => {
      const at = place % original.length
      decodesOrRefuses(Buffer.concat([original.subarray(0, at), inserted, original.subarray(at + length)]))
    }),
  )
})

test('any bytes at all are decoded or refused', () => {
  holds(2000, fc.property(fc.uint8Array({ maxLength: 200 }), decodesOrRefuses))
})

test('each message that is cut anywhere is refused', () => {
  for (const payload of payloads)
    for (let length = 0; length < payload.length; length++)
      assert.throws(
        () => decodeMessage(payload.subarray(0, length)),
        (error: unknown) => error instanceof WireError,
      )
})

test.run()
