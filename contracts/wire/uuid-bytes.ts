/**
 * A text that is a UUID in PostgreSQL's own form travels as its 16 bytes in place of its 36 characters, as msgpack
 * extension 3. Half of a row may be UUIDs, also in columns of type text, and no compression that is fast enough for a log
 * finds the bytes behind hexadecimal digits. Any other spelling (capitals, braces, no hyphens) stays text, so that every
 * text comes back as it was.
 */
const BYTES = 16
export const UUID_TEXT_BYTES = 36
/** The extension's header, its type, and the bytes. */
export const UUID_VALUE_BYTES = 18

/** msgpack's `fixext 16`. */
export const UUID_HEAD = 0xd8

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HYPHEN = 0x2d
const [FIRST_HYPHEN, SECOND_HYPHEN, THIRD_HYPHEN, FOURTH_HYPHEN] = [8, 13, 18, 23]

/** Where the two digits of each byte begin in the text. */
const PLACES = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34)

/** The value of a lower-case hexadecimal digit; beyond a byte, shifted or not, where the character is none. */
const NO_DIGIT = 0x100
const VALUES = new Uint16Array(256).fill(NO_DIGIT)
const DIGITS = Buffer.from('0123456789abcdef')
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value

export function isUuid(text: string): boolean {
  return text.length === UUID_TEXT_BYTES && UUID.test(text)
}

/** Whether the text has a UUID's hyphens at `from`; the text must have as many bytes from there on. */
export function hasHyphens(text: Uint8Array, from: number): boolean {
  return (
    text[from + FIRST_HYPHEN] === HYPHEN &&
    text[from + SECOND_HYPHEN] === HYPHEN &&
    text[from + THIRD_HYPHEN] === HYPHEN &&
    text[from + FOURTH_HYPHEN] === HYPHEN
  )
}

/** Writes the bytes of the digits at `from` to `to`. Returns false where one is no digit; what it wrote is then void. */
export function writeUuidBytes(text: Uint8Array, from: number, target: Uint8Array, to: number): boolean {
  let seen = 0
  for (let index = 0; index < BYTES; index++) {
    // Each place is within the text, which has 36 bytes from `from` on.
    const place = from + (PLACES[index] as number)
    const byte = ((VALUES[text[place] as number] as number) << 4) | (VALUES[text[place + 1] as number] as number)
    seen |= byte
    target[to + index] = byte
  }
  return seen < NO_DIGIT
}

/** Writes the 36 characters of the 16 bytes at `from` to `to`. */
export function writeUuidText(bytes: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let index = 0; index < BYTES; index++) {
    const byte = bytes[from + index] as number // The caller has seen that there are 16.
    const place = to + (PLACES[index] as number) // There is one for each byte.
    target[place] = DIGITS[byte >> 4] as number
    target[place + 1] = DIGITS[byte & 15] as number
  }
  target[to + FIRST_HYPHEN] = HYPHEN
  target[to + SECOND_HYPHEN] = HYPHEN
  target[to + THIRD_HYPHEN] = HYPHEN
  target[to + FOURTH_HYPHEN] = HYPHEN
}

/** The extension's body. @param text a UUID, as `isUuid` says. */
export function uuidBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(BYTES)
  writeUuidBytes(Buffer.from(text, 'latin1'), 0, bytes, 0)
  return bytes
}

/** @param bytes at least 16 from `from` on. */
export function uuidText(bytes: Uint8Array, from: number): string {
  const text = Buffer.allocUnsafe(UUID_TEXT_BYTES)
  writeUuidText(bytes, from, text, 0)
  return text.toString('latin1')
}
