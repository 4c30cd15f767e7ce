/**
 * The words of a table's name, in lower case and without the ending of a plural, so that `OrderItems` and `order_item`
 * have the same.
 */
export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => singular(word.toLowerCase()))
}

/** Whether a table is called after another one, as `order_items` is after `orders`. */
export function isCalledAfter(name: string, other: string): boolean {
  const [own, wanted] = [wordsOf(name), wordsOf(other)]
  if (wanted.length === 0) return false
  return own.some((_, start) => wanted.every((word, place) => own[start + place] === word))
}

export function haveOneFirstWord(name: string, other: string): boolean {
  const [first] = wordsOf(name)
  return first !== undefined && first === wordsOf(other)[0]
}

function singular(word: string): string {
  return word
    .replace(/ies$/, 'y')
    .replace(/(s|x|ch|sh)es$/, '$1')
    .replace(/([^s])s$/, '$1')
}
