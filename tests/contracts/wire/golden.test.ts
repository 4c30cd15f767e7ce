import { decode, ExtensionCodec } from '@msgpack/msgpack'
import { deepStrictEqual } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage } from '../../../contracts/wire/encode-message.ts'
import { ABSENT, UNCHANGED } from '../../../contracts/wire/message.ts'
import { columnsOfShape, messages } from './sample-messages.ts'
import { registerUuids } from './uuid-extension.ts'

/**
 * Bytes of version 1 that were written once: a change of them is a change of the format, which needs another version,
 * since logs live longer than programs.
 */
const FOLDER = new URL('golden/v1/', import.meta.url)

function golden(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(`${name}.hex`, FOLDER), 'utf8').replaceAll('\n', ''), 'hex')
}

const extensionCodec = new ExtensionCodec()
extensionCodec.register({ type: 1, encode: () => null, decode: () => UNCHANGED })
extensionCodec.register({ type: 2, encode: () => null, decode: () => ABSENT })
registerUuids(extensionCodec)

for (const [name, message] of Object.entries(messages)) {
  test(`${name} is encoded as the golden bytes`, () => {
    assert.is(Buffer.from(encodeMessage(message, columnsOfShape)).toString('hex'), golden(name).toString('hex'))
  })

  test(`the golden bytes of ${name} are decoded as it`, () => {
    deepStrictEqual(decodeMessage(golden(name)), message)
  })

  test(`the golden bytes of ${name} are read by the msgpack library as they are by us`, () => {
    deepStrictEqual(decode(new Uint8Array(golden(name)), { extensionCodec }), message)
  })
}

test('every golden file belongs to a message', () => {
  assert.equal(
    readdirSync(FOLDER).toSorted(),
    Object.keys(messages)
      .map((name) => `${name}.hex`)
      .toSorted(),
  )
})

test.run()
