import { randomFor } from './random.ts'

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * Texts that break careless pipelines. Invisible characters are written as escapes, so that no editor normalises or
 * drops them. There are fewer than MIN_ELEMENTS, so that even the smallest monolith holds each in several tables.
 */
export const AWKWARD_TEXTS: readonly string[] = [
  '',
  ' ',
  'a trailing space ',
  ' a leading space',
  '\t',
  'a\ttab\t',
  '\n',
  'two\nlines',
  'two\r\nlines of Windows',
  'a lone\rcarriage return',
  '\\',
  'C:\\temp\\new\\readme',
  '\\N',
  '\\.',
  'before\n\\.\nafter',
  'before\n\\N\nafter',
  `l'apostrophe, ''deux'', "guillemets" et \`accents graves\``,
  `Robert'); DROP TABLE "User"; -- $1 $$ %s {0} \${name}`,
  '\uFEFFafter a byte order mark',
  'a byte order mark \uFEFF within',
  'Mod\u00e9lis\u00e9 \u00e0 Orl\u00e9ans (composed)',
  'Mode\u0301lise\u0301 a\u0300 Orle\u0301ans (composed)',
  'إدارة علاقات العملاء',
  'left \u202eright\u202c to left: عكس',
  'Une famille \u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}',
  '\u{1f469}\u{1f3fd}\u200d\u{1f4bb} \u{1f1eb}\u{1f1f7} \u{1f1f2}\u{1f1e6} 1\ufe0f\u20e3',
  '\u{1d49c}\u{1d4c7}\u{1d4b8}\u{1d4bd}\u{1d4be} outside the basic plane',
  'noncharacters \uffff \u{10ffff} and the replacement \ufffd',
  'Stra\u00dfe, \u0130stanbul, \u0131, \u017f, \ufb01',
  'Z\u0338\u0322\u035da\u0316\u0301l\u0340g\u0341o\u0336',
  'controls \u0001\b\v\f\u001b[31m\u007f',
  'spaces \u00a0\u0085\u2028\u2029\u200b\u3000',
  '漢字かな交じり文, 한국어, ไทย, עברית',
  'null',
  'NULL',
  '-0',
  'NaN',
  '__proto__',
  '{NULL,"a,b"}',
  '{"json": "in a text"}',
  '<xml attribute="a&amp;b">]]></xml>',
]

const PICTURE_CHARACTERS = 6000

/** Texts long enough to be compressed where they stand, and one that does not compress and is stored out of line. */
export const LONG_TEXTS: readonly string[] = [
  'à'.repeat(1500),
  'a line of a long report\n'.repeat(1000),
  `![schéma](data:image/png;base64,${pictureText()})`,
]

/** The text of a picture that someone pasted: always the same one. */
function pictureText(): string {
  const random = randomFor(0, 'a pasted picture')
  let characters = ''
  while (characters.length < PICTURE_CHARACTERS) characters += BASE64.charAt(random.below(BASE64.length))
  return characters
}
