import Table from 'cli-table3'

export type Align = 'left' | 'right'

export interface Column {
  readonly title: string
  readonly align: Align
}

const GAP = '  '
const LINE_PLACES =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
const NO_LINES = Object.fromEntries(LINE_PLACES.split(' ').map((place) => [place, '']))

/** A table without lines, as wide as its content; colours in cells do not count as width. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align),
    chars: { ...NO_LINES, middle: GAP },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/**
 * Breaks a text into lines at single blanks, all but the first indented; other blanks stay. A word that is longer than a
 * line stays whole: it may be a name that somebody copies.
 */
export function wrappedText(text: string, columns: number, indent = ''): string {
  const lines: string[] = []
  let line: string | null = null
  for (const word of text.split(' ')) {
    const longer: string = line === null ? word : `${line} ${word}`
    const prefix = lines.length === 0 ? '' : indent
    if (line !== null && line.trim() !== '' && prefix.length + longer.length > columns) {
      lines.push(prefix + line)
      line = word
    } else line = longer
  }
  lines.push((lines.length === 0 ? '' : indent) + (line ?? ''))
  return lines.join('\n')
}
