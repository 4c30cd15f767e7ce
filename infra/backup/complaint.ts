import type { ProgramEnd } from '../embedded/guard.ts'

/** A complaint is shown in a sentence: what is longer than this is cut. */
const LONGEST_CHARACTERS = 600

/**
 * What a program of PostgreSQL's complained of, from the last lines that it printed: its first error with what the server
 * said about it, on one line. Progress, hints and the statement in question are left out.
 */
export function complaintOf(lines: readonly string[], status: ProgramEnd): string {
  const first = lines.findIndex((line) => /^pg_(dump|restore): error: /.test(line))
  if (first < 0) return status === 'lost' ? 'it was killed' : `it ended with status ${status}`
  const rest = lines.slice(first)
  const length = rest.findIndex((line, place) => place > 0 && isOtherLine(line))
  const text = rest
    .slice(0, length < 0 ? rest.length : length)
    .map((line) => line.replace(/^pg_(dump|restore): error: /, '').trim())
    .filter((line) => line !== '')
    .join(' ')
  return text.length > LONGEST_CHARACTERS ? `${text.slice(0, LONGEST_CHARACTERS - 1)}…` : text.replace(/\.$/, '')
}

function isOtherLine(line: string): boolean {
  return /^(pg_(dump|restore): |Command was: )/.test(line)
}

/** Whether a program, or the server that it spoke to, ran out of room on a disk. */
export function isOutOfRoom(complaint: string): boolean {
  return /No space left on device|Disk quota exceeded/i.test(complaint)
}
