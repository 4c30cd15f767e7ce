import { type Random, choose } from './random.ts'
import { SPECIAL_VALUES } from './special-values.ts'

/** Longest text that is made at random, in code points; the long ones are among the special values. */
const MAX_TEXT_CODE_POINTS = 40

/** Ranges of code points: ASCII without NUL, Latin, combining, Hebrew to Arabic, CJK, private use, emoji. */
const ALPHABETS = [
  [0x01, 0x7f],
  [0x20, 0x7e],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x590, 0x6ff],
  [0x4e00, 0x9fff],
  [0xe000, 0xf8ff],
  [0x1f300, 0x1faff],
] as const

const DAYS_FROM_1600_TO_2400 = 292_194
const MICROSECONDS_A_DAY = 86_400_000_000

const MAKERS: Readonly<Record<string, (random: Random) => string>> = {
  smallint: (random) => String(random(65_536) - 32_768),
  integer: (random) => String(random(2 ** 32) - 2 ** 31),
  bigint: (random) => String(BigInt.asIntN(64, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32)))),
  boolean: (random) => choose(random, ['t', 'f']),
  real: (random) => String(Math.fround(anyDouble(random, 30))),
  'double precision': (random) => String(anyDouble(random, 300)),
  numeric: (random) => `${digits(random, 30)}.${digits(random, 20)}`,
  'numeric(20,5)': (random) => `-${digits(random, 14)}.${digits(random, 5)}`,
  'numeric(10,2)': (random) => `${random(10 ** 8)}.${digits(random, 2)}`,
  'numeric(12,3)': (random) => `-${random(10 ** 8)}.${digits(random, 3)}`,
  text: anyText,
  'character varying': anyText,
  'character varying(20)': (random) => anyText(random, 20),
  'public.citext': anyText,
  bytea: (random) => `\\x${hex(random, 2 * random(60))}`,
  uuid: (random) => hex(random, 32),
  'timestamp(3) without time zone': anyTimestamp,
  'timestamp(6) without time zone': anyTimestamp,
  'timestamp without time zone': anyTimestamp,
  'timestamp with time zone': anyTimestamp,
  jsonb: (random) => JSON.stringify({ [anyText(random)]: [anyText(random), anyDouble(random, 300), null] }),
  json: (random) => `{"a" : 1${digits(random, 25)}, "a":${JSON.stringify(anyText(random))} }`,
  'text[]': (random) => `{${[anyText(random), anyText(random)].map(quotedElement).join(',')},NULL}`,
}

/** A pseudo-random value of a type in PostgreSQL's text form; one of the special ones where the type has no more. */
export function randomValue(type: string, random: Random): string {
  return MAKERS[type]?.(random) ?? choose(random, specialValues(type))
}

/** @throws RangeError for a type that has none: each type of the hostile monolith must have some. */
export function specialValues(type: string): readonly string[] {
  const values = SPECIAL_VALUES[type] ?? SPECIAL_VALUES[withoutPrecision(type)]
  if (values === undefined) throw new RangeError(`There are no special values for the type ${type}.`)
  return values
}

/** `timestamp(2) without time zone` takes the values of `timestamp without time zone`: PostgreSQL rounds them. */
function withoutPrecision(type: string): string {
  return type.replace(/^(timestamp|time)\(\d\)/, '$1')
}

function anyText(random: Random, codePointsAtMost = MAX_TEXT_CODE_POINTS): string {
  const [first, last] = choose(random, ALPHABETS)
  const codePoints = Array.from({ length: random(codePointsAtMost) }, () => first + random(last - first + 1))
  return String.fromCodePoint(...codePoints)
}

function anyDouble(random: Random, exponents: number): number {
  return (random(2 ** 32) / 2 ** 31 - 1) * 10 ** (random(exponents) - exponents / 2)
}

function anyTimestamp(random: Random): string {
  const day = new Date(Date.UTC(1600, 0, 1 + random(DAYS_FROM_1600_TO_2400))).toISOString().slice(0, 10)
  const microseconds = random(MICROSECONDS_A_DAY)
  const time = new Date(Math.floor(microseconds / 1000)).toISOString().slice(11, 23)
  return `${day} ${time}${String(microseconds % 1000).padStart(3, '0')}`
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random(10)).join('')
}

function hex(random: Random, count: number): string {
  return Array.from({ length: count }, () => random(16).toString(16)).join('')
}

function quotedElement(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
