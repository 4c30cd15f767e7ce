import type { ProgramEnd } from '../embedded/guard.ts'

/** A complaint is shown in a sentence: what is longer than this is cut. */
const LONGEST_CHARACTERS = 600

/**
 * What a program of PostgreSQL's complained of, from the last lines that it printed: its first error on one line, and the
 * hint where the server says nothing before it. Progress and the statement in question are left out, and so is everything
 * from the server's detail or context on, which show whole rows: what they hold is for nobody who reads a log.
 */
export function complaintOf(lines: readonly string[], status: ProgramEnd): string {
  const first = lines.findIndex((line) => /^pg_(dump|restore): error: /.test(line))
  if (first < 0) return status === 'lost' ? 'it was killed' : `it ended with status ${status}`
  const rest = lines.slice(first)
  const length = rest.findIndex((line, place) => place > 0 && isOtherLine(line))
  const whole = rest
    .slice(0, length < 0 ? rest.length : length)
    .map((line) => line.replace(/^pg_(dump|restore): error: /, '').trim())
    .filter((line) => line !== '')
    .join(' ')
  const text = withoutValues(whole)
  return text.length > LONGEST_CHARACTERS ? `${text.slice(0, LONGEST_CHARACTERS - 1)}…` : text.replace(/\.$/, '')
}

function isOtherLine(line: string): boolean {
  return /^(pg_(dump|restore): |Command was: |(DETAIL|CONTEXT|QUERY|STATEMENT|LINE \d+): )/.test(line)
}

/** What PostgreSQL and its programs call by a name or a path in double quotes, which helps whoever has to mend it. */
const NAMED =
  /\b(aggregate|at|collation|column|configuration|constraint|conversion|data wrapper|database|dictionary|directory|encoding|extension|file|foreign table|function|identity|index|language|large object|library|name|operator|parameter|partition|policy|procedure|publication|relation|role|rule|schema|sequence|server|socket|statistics object|subscription|table|tablespace|template|trigger|type|user|view) "[^"]*"/g

/**
 * The error itself may quote a value of a row, as in `invalid input syntax for type integer: "…"`. Whatever is quoted and
 * is not said to be a name is taken for one and left out; up to the last quote, since a value may hold quotes itself. What
 * a function of the monolith's raises in words of its own is not known from PostgreSQL's, and stays.
 */
function withoutValues(text: string): string {
  const masked = text.replace(NAMED, (name) => name.replaceAll('"', ' '))
  const first = masked.indexOf('"')
  if (first < 0) return text
  const last = text.lastIndexOf('"')
  return `${text.slice(0, first)}…${last > first ? text.slice(last + 1) : ''}`
}

/** Whether a program, or the server that it spoke to, ran out of room on a disk. */
export function isOutOfRoom(complaint: string): boolean {
  return /No space left on device|Disk quota exceeded/i.test(complaint)
}
