import fc from 'fast-check'
import type { WireKind } from '../../../contracts/language/column.ts'
import type { ShapeColumn, WireRow, WireValue } from '../../../contracts/wire/message.ts'

/** Rows with the columns that they fit. */
export interface Table {
  readonly columns: readonly ShapeColumn[]
  readonly rows: readonly WireRow[]
}

const KINDS: readonly WireKind[] = ['boolean', 'integer', 'float', 'binary', 'text']

/** What has broken such pipelines: COPY's own marks, line ends, a BOM, combining and astral characters, right to left. */
const AWKWARD = [
  '\\N',
  '\\.',
  '\\',
  '\\\\',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\b',
  '\f',
  '\v',
  '\u0001',
  '\u007f',
  '',
  '"',
  '{}',
]
const UNICODE = ['\uFEFF', '\uFEFFbom', 'é', 'e\u0301', '👩‍👩‍👧', '𝕊', 'عربي', '\u2028', '\uFFFD', '\uFFFF', '中文']

/** UUIDs, which travel as their bytes, and what only looks like one, which does not. */
const anyUuidText = fc.oneof(
  fc.uuid(),
  fc
    .tuple(
      fc.uuid(),
      fc.constantFrom(
        (uuid: string) => uuid.toUpperCase(),
        (uuid: string) => uuid.replaceAll('-', ''),
        (uuid: string) => `{${uuid}}`,
        (uuid: string) => `${uuid}0`,
        (uuid: string) => ` ${uuid}`,
        (uuid: string) => uuid.slice(0, -1),
        (uuid: string) => `${uuid.slice(0, -1)}g`,
        (uuid: string) => `${uuid.slice(0, -1)}\\`,
        (uuid: string) => `${uuid.slice(0, -1)}\t`,
        (uuid: string) => `${uuid.slice(0, -2)}é`,
        (uuid: string) => uuid.replace('-', '\n'),
        (uuid: string) => `${uuid}${uuid}`,
      ),
    )
    .map(([uuid, spoil]) => spoil(uuid)),
)

/** No NUL, which no text in PostgreSQL holds; surrogates in pairs only. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...AWKWARD, ...UNICODE),
  anyUuidText,
  fc
    .array(fc.oneof(fc.constantFrom(...AWKWARD, ...UNICODE), fc.string({ unit: 'binary' })), { maxLength: 12 })
    .map((pieces) => pieces.join('').replaceAll('\0', '')),
  // Around the sizes at which headers and ways of copying change.
  fc
    .tuple(
      fc.constantFrom('a', 'é', '\\', '\n', '\uFEFF'),
      fc.constantFrom(31, 32, 33, 200, 255, 256, 257, 600, 65535, 65536),
    )
    .map(([character, length]) => character.repeat(length / Buffer.byteLength(character))),
  fc.tuple(fc.nat(700), fc.constantFrom('\\', '\t', '\n', '\r'), fc.nat(700)).map(([before, mark, after]) => {
    return 'x'.repeat(before) + mark + 'y'.repeat(after)
  }),
)

/** Where the size of msgpack's form changes, and where a double stops being exact. */
const EDGES = [0, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000].map(BigInt)
const LARGE_EDGES = [31n, 32n, 52n, 53n, 62n, 63n].map((power) => 2n ** power)
const INT8_MAX = 2n ** 63n - 1n

/** An int8 as it travels: as a number where a double holds it, else as text. */
export function wireInteger(value: bigint): number | string {
  return BigInt.asIntN(54, value) === value && value !== -(2n ** 53n) ? Number(value) : String(value)
}

export const anyInt8: fc.Arbitrary<bigint> = fc
  .oneof(
    fc.bigInt(-INT8_MAX - 1n, INT8_MAX),
    fc.bigInt(-300n, 300n),
    fc
      .tuple(fc.constantFrom(...EDGES, ...LARGE_EDGES), fc.bigInt(-2n, 2n), fc.boolean())
      .map(([edge, near, negative]) => {
        return (negative ? -edge : edge) + near
      }),
  )
  .filter((value) => value >= -INT8_MAX - 1n && value <= INT8_MAX)

export const anyFloat: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 1, -1, NaN, Infinity, -Infinity, 5e-324, 1e21, 1e-7, 2 ** 53, 0.1),
  fc.integer(),
)

export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(0, 255, 256, 65535, 65536).map((length) => new Uint8Array(length).fill(0x5c)),
)

const BY_KIND: Record<WireKind, fc.Arbitrary<WireValue>> = {
  boolean: fc.boolean(),
  integer: anyInt8.map(wireInteger),
  float: anyFloat,
  binary: anyBytes,
  text: anyText,
}

export function anyValue(wire: WireKind): fc.Arbitrary<WireValue> {
  return fc.oneof({ arbitrary: BY_KIND[wire], weight: 5 }, { arbitrary: fc.constant(null), weight: 1 })
}

export function columnsOf(kinds: readonly WireKind[]): ShapeColumn[] {
  return kinds.map((wire, index) => ({ name: `c${index}`, type: 'any', wire, nullable: true, secret: false }))
}

/** Tables of up to 20 columns, so that rows of more than 15 values, whose header is larger, are among them. */
export const anyTable: fc.Arbitrary<Table> = fc
  .array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 20 })
  .chain((kinds) =>
    fc.record({
      columns: fc.constant(columnsOf(kinds)),
      rows: fc.array(fc.tuple(...kinds.map(anyValue)), { minLength: 1, maxLength: 25 }),
    }),
  )
