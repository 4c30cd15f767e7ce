import picocolors from 'picocolors'

/** Streams and surroundings of a process, as the command line needs them. */
export interface World {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly folder: string
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** The module of the contract set that is used where none is named. */
  readonly defaultContracts: string
}

export type Colours = ReturnType<typeof picocolors.createColors>

/** What can be shown on a stream. */
export interface Display {
  /** A terminal on which lines can be drawn again. */
  readonly isTerminal: boolean
  readonly colours: Colours
  /** Whether it shows more than ASCII. */
  readonly isUnicode: boolean
  readonly columns: number
  readonly rows: number
}

/** What a terminal is taken for that does not tell its size. */
const USUAL_COLUMNS = 80
const USUAL_ROWS = 24

export function displayOf(stream: NodeJS.WriteStream, environment: World['environment']): Display {
  const isTerminal = stream.isTTY === true && environment['TERM'] !== 'dumb'
  return {
    isTerminal,
    colours: picocolors.createColors(wantsColours(isTerminal, environment)),
    isUnicode: isUnicode(environment),
    columns: stream.columns || USUAL_COLUMNS,
    rows: stream.rows || USUAL_ROWS,
  }
}

/** What can be shown on standard error, where nothing can be drawn between lines of JSON. */
export function progressDisplay({ stderr, environment }: World, output: { readonly isLogged: boolean }): Display {
  const display = displayOf(stderr, environment)
  return output.isLogged ? { ...display, isTerminal: false, colours: picocolors.createColors(false) } : display
}

/** https://no-color.org: NO_COLOR, when it is not empty, forbids colours whatever else is set. */
export function wantsColours(isTerminal: boolean, environment: World['environment']): boolean {
  if (environment['NO_COLOR']) return false
  const forced = environment['FORCE_COLOR']
  return forced ? forced !== '0' : isTerminal
}

/** As the C library decides: LC_ALL before LC_CTYPE before LANG. None at all is common in containers, whose terminals can. */
export function isUnicode(environment: World['environment']): boolean {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG']
  return !locale || /utf-?8/i.test(locale)
}
