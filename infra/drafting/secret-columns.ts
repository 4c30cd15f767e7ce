import { wordsOf } from './kinship.ts'

const SECRET_WORDS =
  'password passwd pwd passphrase passcode secret token credential apikey hash salt otp totp pin cvv cvc jwt dsn'

const SECRET_PHRASES =
  'api key, access key, private key, secret key, signing key, encryption key, license key, recovery code, backup code, ' +
  'verification code, connection string, card number, webhook url'

/** Each as the words of a name, in the singular. */
const SECRETS = [...SECRET_WORDS.split(' '), ...SECRET_PHRASES.split(', ')].map((name) => name.split(' '))

/** Settings and connections often hold URLs with passwords, or keys, in a document or beside many harmless values. */
const HOLDERS = new Set(['config', 'configuration', 'connection', 'auth', 'value'])
const HOLDING_TABLES = new Set(['setting', 'config', 'configuration', 'preference', 'option', 'parameter'])

/** Types that hold no secret, whatever the column is called: `password_changed_at`, `token_count`, `has_secret`. */
const HARMLESS_TYPE =
  /^(boolean|smallint|integer|bigint|real|double precision|numeric|money|date|interval|time|timestamp|"char")\b/

/**
 * Whether a column may hold a secret, by its name, its type and its table's name. It is a guess: it finds what is called
 * by its name, and some that is harmless.
 */
export function mayBeSecret(table: string, column: string, type: string): boolean {
  if (HARMLESS_TYPE.test(type)) return false
  const words = wordsOf(column)
  if (SECRETS.some((name) => holdsInRow(words, name))) return true
  const tableWords = wordsOf(table)
  if (words.length !== 1 || words[0] === undefined) return false
  if (words[0] === 'key' || words[0] === 'value' || words[0] === 'code')
    if (SECRETS.some((name) => holdsInRow(tableWords, name))) return true
  if (!HOLDERS.has(words[0])) return false
  return words[0] === 'value' ? tableWords.some((word) => HOLDING_TABLES.has(word)) : /^jsonb?$|^text$/.test(type)
}

function holdsInRow(words: readonly string[], wanted: readonly string[]): boolean {
  return words.some((_, start) => wanted.every((word, place) => words[start + place] === word))
}
