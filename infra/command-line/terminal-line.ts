import { unreachable } from '../../contracts/failure.ts'
import { wrappedText } from './tables.ts'
import type { Display } from './terminal.ts'

/** How a piece of a line stands out, where colours are shown. */
export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'fair' | 'bad' | 'busy'

export interface Span {
  readonly text: string
  readonly tone: Tone
}

/** A line of a screen, before it is cut to the screen's width. */
export type Line = readonly Span[]

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone }
}

/** What terminals show as two cells; the others show one. */
const WIDE =
  /[\u1100-\u115F\u2329\u232A\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F000}-\u{1FAFF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u
const NO_CELL = /\p{M}/u

/** A server's sentence may hold rows' values: what would move the cursor, or what terminals disagree about, is taken out. */
export function printableText(text: string, isUnicode: boolean): string {
  const printable = text
    .replaceAll(/[\p{Zl}\p{Zp}\p{Cc}]+/gu, ' ')
    .replaceAll(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}\uFE00-\uFE0F]/gu, '')
  return isUnicode ? printable : printable.replaceAll('…', '~').replaceAll(/[^ -~]/gu, '?')
}

/** The same for a text whose lines stay: what somebody wrote into a database must not write on an operator's terminal. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => printableText(line, true))
    .join('\n')
}

/** What a terminal would obey is taken out of a text, our own colours and the ends of its lines aside. */
export function withoutControls(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}(\[\d{1,2}m)?/gu, (found: string, colour = '') =>
    colour !== '' && found.startsWith(ESCAPE) ? found : ` ${colour}`,
  )
}

const ESCAPE = '\u001B'

/** How many cells of a terminal a text takes that `printableText` has made. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += widthOfCharacter(character)
  return width
}

function widthOfCharacter(character: string): number {
  if (character <= '\u02FF') return 1
  if (NO_CELL.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** As much of a text as has room; what loses its end shows that. */
export function cutText(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  return `${headOf(text, width - 1)}…`
}

function headOf(text: string, width: number): string {
  let head = ''
  let left = width
  for (const character of text) {
    left -= widthOfCharacter(character)
    if (left < 0) break
    head += character
  }
  return head
}

/** A cell of a table, exactly so wide. */
export function cellOf({ text, tone }: Span, width: number, align: 'left' | 'right'): Span {
  const cut = cutText(text, width)
  const blank = ' '.repeat(width - widthOf(cut))
  return span(align === 'left' ? cut + blank : blank + cut, tone)
}

/** Breaks a sentence into lines, all but the first indented; a word that is longer than a line is broken too. */
export function wrapSentence(text: string, width: number, indent = ''): string[] {
  const room = Math.max(indent.length + 1, width)
  return wrappedText(text, room, indent)
    .split('\n')
    .flatMap((line) => brokenWord(line, room))
}

function brokenWord(line: string, width: number): string[] {
  const pieces: string[] = []
  for (let rest = line; rest !== '';) {
    // A character of two cells in a line of one cell has no room at all.
    const piece = headOf(rest, width) || '?'
    pieces.push(piece)
    rest = rest.slice(piece === '?' ? String.fromCodePoint(rest.codePointAt(0) ?? 0).length : piece.length)
  }
  return pieces.length === 0 ? [''] : pieces
}

/** A line as a terminal gets it, in no more than its columns. */
export function renderedLine(
  line: Line,
  { colours, columns, isUnicode }: Omit<Display, 'isTerminal' | 'rows'>,
): string {
  let left = columns
  let rendered = ''
  const spans = line.map(({ text, tone }) => span(printableText(text, isUnicode), tone))
  const isCut = spans.reduce((sum, { text }) => sum + widthOf(text), 0) > columns
  for (const { text, tone } of spans) {
    if (left <= 0) break
    const isLast = isCut && widthOf(text) >= left
    // The end that was lost may have been that of an earlier piece, which filled the line to its last cell.
    const shown = isLast ? printableText(cutText(`${text} `, left), isUnicode) : text
    left -= widthOf(shown)
    rendered += shown === '' ? '' : toned(shown, tone, colours)
    if (isLast) break
  }
  return rendered
}

function toned(text: string, tone: Tone, colours: Display['colours']): string {
  switch (tone) {
    case 'plain':
      return text
    case 'strong':
      return colours.bold(text)
    case 'faint':
      return colours.dim(text)
    case 'good':
      return colours.green(text)
    case 'fair':
      return colours.yellow(text)
    case 'bad':
      return colours.red(text)
    case 'busy':
      return colours.cyan(text)
    default:
      return unreachable(tone)
  }
}

/** A piece of a line that is left out where there is no room for it. */
export interface Part {
  readonly line: Line
  /** The higher, the sooner it is left out. */
  readonly rank: number
}

const GAP = '  '

/** A line of as many parts as have room, with gaps between them; one always stays, and is cut. */
export function partsLine(parts: readonly Part[], columns: number): Line {
  const kept = [...parts]
  while (kept.length > 1 && widthOfParts(kept) > columns) {
    const rank = Math.max(...kept.map((part) => part.rank))
    kept.splice(
      kept.findLastIndex((part) => part.rank === rank),
      1,
    )
  }
  return kept.flatMap(({ line }, index) => (index === 0 ? line : [span(GAP), ...line]))
}

function widthOfParts(parts: readonly Part[]): number {
  const gaps = GAP.length * Math.max(0, parts.length - 1)
  return parts.reduce((sum, { line }) => sum + line.reduce((width, { text }) => width + widthOf(text), 0), gaps)
}
