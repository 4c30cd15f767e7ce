// The package is CommonJS, whose names node does not tell apart.
import headless from '@xterm/headless'

export interface PictureOptions {
  readonly columns: number
  readonly rows: number
  /** What the picture is of, for those who do not see it. */
  readonly title: string
}

const CELL_WIDTH = 8
const CELL_HEIGHT = 18
const MARGIN = 12

/** The colours that terminals have by number, on a dark screen. */
const PALETTE: Readonly<Record<number, string>> = { 1: '#ff7b72', 2: '#7ee787', 3: '#e3b341', 6: '#79c0ff' }
const FOREGROUND = '#e6edf3'
const FAINT = '#8b949e'
const BACKGROUND = '#0d1117'

/** What a terminal shows of a text with its escape sequences, as an SVG picture. */
export async function terminalPicture(text: string, { columns, rows, title }: PictureOptions): Promise<string> {
  const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true })
  await new Promise<void>((resolve) => terminal.write(text, resolve))
  const [width, height] = [columns * CELL_WIDTH + 2 * MARGIN, rows * CELL_HEIGHT + 2 * MARGIN]
  const lines = Array.from({ length: rows }, (_, row) => lineOf(terminal, row)).filter((line) => line !== '')
  terminal.dispose()
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="${FOREGROUND}" xml:space="preserve">`,
    ...lines,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/** Words of one style, each held to its cells, whatever the font. */
function lineOf({ buffer: { active } }: headless.Terminal, row: number): string {
  const line = active.getLine(row)
  const words: { readonly column: number; readonly style: string; text: string }[] = []
  for (let column = 0; column < (line?.length ?? 0); column += 1) {
    const cell = line?.getCell(column)
    const [text, style] = [cell?.getChars() || ' ', styleOf(cell)]
    const last = words.at(-1)
    // Viewers differ in what they make of several blanks: what they part are pieces of their own.
    if (last !== undefined && last.style === style && !last.text.endsWith('  ')) last.text += text
    else words.push({ column, style, text })
  }
  return words
    .filter(({ text }) => text.trim() !== '')
    .map(({ column, style, text }) => {
      const shown = text.trim()
      const x = MARGIN + (column + text.length - text.trimStart().length) * CELL_WIDTH
      const y = MARGIN + row * CELL_HEIGHT + 13
      return `<text x="${x}" y="${y}" textLength="${shown.length * CELL_WIDTH}"${style}>${escaped(shown)}</text>`
    })
    .join('\n')
}

type Cell = ReturnType<NonNullable<ReturnType<headless.Terminal['buffer']['active']['getLine']>>['getCell']>

function styleOf(cell: Cell): string {
  if (cell === undefined) return ''
  const colour = cell.isFgPalette() ? (PALETTE[cell.getFgColor()] ?? FOREGROUND) : cell.isDim() !== 0 ? FAINT : null
  return `${colour === null ? '' : ` fill="${colour}"`}${cell.isBold() === 0 ? '' : ' font-weight="bold"'}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
