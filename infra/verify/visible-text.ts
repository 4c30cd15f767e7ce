/** What is shown of one value: enough to recognise it, and a report stays readable whatever the value's size. */
export const SHOWN_CHARACTERS = 160

/** What is shown of a value before the first character that differs. */
export const CONTEXT_CHARACTERS = 40

/** Stands in place of every value of a secret column. */
export const SECRET = '(secret)'

/** Control, format and unassigned characters, separators but the plain space, and marks that join the letter before. */
const INVISIBLE = /^(?! )[\p{C}\p{Z}\p{M}]$/u

const PLAIN = /^[\x20-\x7e]$/

/** A piece of a value, and whether something of the value stands before and after it. */
export interface Excerpt {
  readonly text: string
  readonly cutBefore: boolean
  readonly cutAfter: boolean
}

/**
 * A value in a form that shows what cannot be seen: quoted as in JSON, so that the empty string, a trailing space and
 * NULL look different, with every invisible or combining character as `\uXXXX`.
 * @param differsAt the character of the excerpt where a difference begins; it is escaped unless it is ASCII, since two
 * letters of different alphabets can look alike.
 */
export function visibleText(excerpt: Excerpt | null, differsAt = -1): string {
  if (excerpt === null) return 'NULL'
  const shown = [...excerpt.text].map((character, index) =>
    INVISIBLE.test(character) || (index === differsAt && !PLAIN.test(character))
      ? escaped(character)
      : JSON.stringify(character).slice(1, -1),
  )
  return `${excerpt.cutBefore ? '…' : ''}"${shown.join('')}"${excerpt.cutAfter ? '…' : ''}`
}

/**
 * The start of a value that was fetched with one character more than is shown.
 * @param fetched at most `SHOWN_CHARACTERS` + 1 characters.
 */
export function beginning(fetched: string | null): Excerpt | null {
  if (fetched === null) return null
  const characters = [...fetched]
  const cutAfter = characters.length > SHOWN_CHARACTERS
  return { text: characters.slice(0, SHOWN_CHARACTERS).join(''), cutBefore: false, cutAfter }
}

/** As in JSON: one escape for each UTF-16 unit. The short ones (`\n`, `\t`) stay short. */
function escaped(character: string): string {
  const quoted = JSON.stringify(character).slice(1, -1)
  if (quoted !== character) return quoted
  return Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
}
