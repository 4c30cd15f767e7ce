import { AWKWARD_TEXTS, LONG_TEXTS } from './awkward-texts.ts'

/** How deep the deepest document is nested: far beyond what a person writes, far below PostgreSQL's stack. */
const NESTING = 300

/** Documents that a parse and a print in JavaScript would change, or that a decoder stumbles over. */
export const AWKWARD_DOCUMENTS: readonly string[] = [
  'null',
  'true',
  '""',
  '"a text alone"',
  '-0',
  '1.0',
  '1.10',
  '9007199254740993',
  '-9223372036854775809',
  '123456789012345678901234567890.123456789012345678901234567890',
  '1e400',
  '1e-400',
  '{"precise": 3.14159265358979323846264338327950288419716939937510, "padded": 100.00, "exponent": 1E+2}',
  '{}',
  '[]',
  '[[], {}, null, [null], [[[]]]]',
  '{"twice": 1, "twice": 2}',
  '{"zz": 1, "a": 2, "": 3, " ": 4, "B": 5}',
  '{"__proto__": {"polluted": true}, "constructor": null, "toString": 1, "10": 2, "9": 3}',
  '{"\\u00e9": "composed", "e\\u0301": "decomposed"}',
  '"\\ud83d\\ude00 \\u0001 \\u007f \\/ \\b\\f\\n\\r\\t \\\\N"',
  '  { "spaced" :\n\t[ 1 , 2 ] }  ',
  JSON.stringify(AWKWARD_TEXTS),
  JSON.stringify(LONG_TEXTS),
  JSON.stringify(Object.fromEntries(AWKWARD_TEXTS.map((text) => [text, text]))),
  '['.repeat(NESTING) + ']'.repeat(NESTING),
  '{"nested": '.repeat(NESTING) + 'null' + '}'.repeat(NESTING),
]

/** Timestamps that a JavaScript date cannot hold, or that a time zone or another calendar would shift. */
export const AWKWARD_MOMENTS: readonly string[] = [
  'infinity',
  '-infinity',
  '4713-01-01 00:00:00 BC',
  '0044-03-15 12:30:00.123 BC',
  '0001-01-01 00:00:00',
  '1582-10-10 00:00:00',
  '1899-12-31 23:59:59.999',
  '1969-12-31 23:59:59.999',
  '1970-01-01 00:00:00',
  '2021-03-28 02:30:00',
  '2024-02-29 23:59:59.999',
  '9999-12-31 23:59:59.999',
  '10000-01-01 00:00:00.001',
  '294276-12-31 23:59:59.999',
]

/** Doubles whose shortest text, sign or kind is easily lost. */
export const AWKWARD_DOUBLES: readonly string[] = [
  'NaN',
  '-0',
  '0',
  'Infinity',
  '-Infinity',
  '5e-324',
  '-2.2250738585072014e-308',
  '1.7976931348623157e+308',
  '0.1',
  '0.30000000000000004',
  '1e+15',
  '1e+16',
  '123456789.12345679',
  '9.007199254740992e+15',
]
