/** A value in PostgreSQL's own text form, or null for NULL. */
export type Cell = string | null

const SPECIAL = /[\\\t\n\r]/
const EVERY_SPECIAL = /[\\\t\n\r]/g

/** One row of COPY's text format, its newline included. Manual: "COPY", "Text Format". */
export function copyLine(cells: readonly Cell[]): string {
  let line = ''
  let separator = ''
  for (const cell of cells) {
    line += separator + copyField(cell)
    separator = '\t'
  }
  return `${line}\n`
}

/** Only these four characters mean something to COPY when it reads; a backslash also guards `\N` and `\.` as text. */
function copyField(cell: Cell): string {
  if (cell === null) return '\\N'
  return SPECIAL.test(cell) ? cell.replace(EVERY_SPECIAL, escaped) : cell
}

function escaped(character: string): string {
  switch (character) {
    case '\t':
      return '\\t'
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    default:
      return '\\\\'
  }
}
