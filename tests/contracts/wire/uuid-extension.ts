import { ExtData, type ExtensionCodec } from '@msgpack/msgpack'

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/** Extension 3 as docs/wire-format.md has it, once more and as plainly as can be. */
export function registerUuids(codec: ExtensionCodec): ExtensionCodec {
  const decode = (bytes: Uint8Array): string =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  codec.register({ type: 3, encode: () => null, decode })
  return codec
}

/** The value that the msgpack library is to be given in place of a text. */
export function withUuidsAsExtension(value: unknown): unknown {
  if (typeof value !== 'string' || !UUID.test(value)) return value
  return new ExtData(3, new Uint8Array(Buffer.from(value.replaceAll('-', ''), 'hex')))
}
