/** The words that cannot name a constant in a module. Manual: ECMAScript, "Keywords and Reserved Words". */
const RESERVED =
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
  'finally for function if implements import in instanceof interface let new null package private protected public ' +
  'return static super switch this throw true try typeof undefined var void while with yield'

/** What a draft's modules import by name. */
export const LANGUAGE_NAMES = [
  'bigint',
  'boolean',
  'bytea',
  'contractSet',
  'doublePrecision',
  'entity',
  'enumeration',
  'extension',
  'integer',
  'json',
  'jsonb',
  'postgres',
  'real',
  'service',
  'smallint',
  'text',
  'timestamp',
  'typeDefinition',
  'uuid',
] as const

export type LanguageName = (typeof LANGUAGE_NAMES)[number]

/** Gives each thing a constant's name of its own. */
export type NameConstant = (wanted: string, ending: string) => string

/**
 * @returns a function that makes a name in camel case of any text, with `ending` where the name alone is taken or would
 * mean something else, and a number where even that is.
 */
export function createNames(): NameConstant {
  const used = new Set<string>([...RESERVED.split(' '), ...LANGUAGE_NAMES])
  return (wanted, ending) => {
    const plain = camelCase(wanted)
    const candidates = plain === '' ? [] : [plain, plain + ending]
    const free = candidates.find((name) => !used.has(name)) ?? numbered(plain, ending, used)
    used.add(free)
    return free
  }
}

function numbered(plain: string, ending: string, used: ReadonlySet<string>): string {
  const stem = plain === '' ? ending.charAt(0).toLowerCase() + ending.slice(1) : plain + ending
  for (let number = 1; ; number += 1) if (!used.has(stem + number)) return stem + number
}

/** Letters lose their accents, and what is neither a letter nor a digit parts words. */
export function camelCase(text: string): string {
  const words = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
  const [first = '', ...others] = words
  const joined = lowerFirst(first) + others.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^\d/.test(joined) ? `_${joined}` : joined
}

/** `OrderState` is `orderState`, and `URL` is `url`. */
function lowerFirst(word: string): string {
  return /^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1)
}
