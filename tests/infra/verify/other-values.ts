/** Texts that differ from a value's in one bit, from its end on: one of the last characters is a digit in most types. */
export function otherTexts(value: string): string[] {
  const bytes = Buffer.from(value)
  const texts: string[] = []
  for (let place = bytes.length - 1; place >= 0 && texts.length < MAX_TEXTS; place--)
    for (const bit of [1, 2, 4, 8, 16, 32]) {
      const byte = bytes.readUInt8(place)
      // A flipped bit in a longer character would make bytes that are no UTF-8.
      if (byte < 0x80) texts.push(withByte(bytes, place, byte ^ bit))
    }
  return texts
}

/** The double next to a value: one bit of the 64 is another. */
export function otherDouble(value: string): string[] {
  const number = Number(value)
  if (!Number.isFinite(number)) return []
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(number)
  bytes.writeUInt8(bytes.readUInt8(7) ^ 1, 7)
  return [String(bytes.readDoubleBE())]
}

/** Enough to come to the digits of a text that ends in brackets and zones. */
const MAX_TEXTS = 300

function withByte(bytes: Buffer, place: number, byte: number): string {
  const other = Buffer.from(bytes)
  other.writeUInt8(byte, place)
  return other.toString()
}
