/**
 * The smallest msgpack headers, as @msgpack/msgpack writes them, for the places where bytes are put together around
 * values that are encoded already.
 */

export function arrayHeader(size: number): Uint8Array {
  if (size < 16) return Uint8Array.of(0x90 | size)
  return size < 0x10000 ? Uint8Array.of(0xdc, size >> 8, size & 0xff) : header32(0xdd, size)
}

export function mapHeader(size: number): Uint8Array {
  if (size < 16) return Uint8Array.of(0x80 | size)
  return size < 0x10000 ? Uint8Array.of(0xde, size >> 8, size & 0xff) : header32(0xdf, size)
}

export function binaryHeader(byteLength: number): Uint8Array {
  if (byteLength < 0x100) return Uint8Array.of(0xc4, byteLength)
  return byteLength < 0x10000 ? Uint8Array.of(0xc5, byteLength >> 8, byteLength & 0xff) : header32(0xc6, byteLength)
}

function header32(head: number, size: number): Uint8Array {
  if (size > 0xffffffff) throw new RangeError(`msgpack counts to 4294967295, not to ${size}`)
  return Uint8Array.of(head, size >>> 24, (size >>> 16) & 0xff, (size >>> 8) & 0xff, size & 0xff)
}
