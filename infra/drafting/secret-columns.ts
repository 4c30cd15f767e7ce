import { wordsOf } from './kinship.ts'

const SECRET_WORDS =
  'password passwd pwd passphrase passcode secret token credential apikey hash salt otp totp pin cvv cvc jwt dsn'

const SECRET_PHRASES =
  'api key, access key, private key, secret key, signing key, encryption key, license key, recovery code, backup code, ' +
  'verification code, connection string, card number, webhook url'

/** Each as the words of a name, in the singular. */
const SECRETS = [...SECRET_WORDS.split(' '), ...SECRET_PHRASES.split(', ')].map((name) => name.split(' '))

/** What the secret itself may be called in a table of secrets, such as `api_keys`. */
const BARE_NAMES = new Set(['key', 'value', 'code'])

/** Connections and settings often hold URLs with passwords, or keys, in a document or among many harmless values. */
const HOLDERS = new Set(['config', 'configuration', 'connection', 'auth'])
const SETTINGS_TABLES = new Set(['setting', 'config', 'configuration', 'preference', 'option', 'parameter'])

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
  if (isCalledSecret(words)) return true
  const [word] = words
  if (word === undefined || words.length > 1) return false
  const tableWords = wordsOf(table)
  if (BARE_NAMES.has(word) && isCalledSecret(tableWords)) return true
  if (word === 'value') return tableWords.some((own) => SETTINGS_TABLES.has(own))
  return HOLDERS.has(word) && /^(jsonb?|text)$/.test(type)
}

function isCalledSecret(words: readonly string[]): boolean {
  return SECRETS.some((name) => holdsInRow(words, name))
}

function holdsInRow(words: readonly string[], wanted: readonly string[]): boolean {
  return words.some((_, start) => wanted.every((word, place) => words[start + place] === word))
}
