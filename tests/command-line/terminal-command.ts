import { spawn } from '@lydell/node-pty'
// The package is CommonJS, whose names node does not tell apart.
import headless from '@xterm/headless'
import { commandArguments } from '../runner/typescript-loader.ts'
import { environmentOf } from './run-command.ts'
import type { Shop } from './shop.ts'

/** A command in a terminal of its own, and what a person before it sees. */
export interface TerminalCommand {
  readonly ended: Promise<{ readonly exitCode: number }>
  /** The lines that are on the screen. */
  screen(): string[]
  /** All that was written to the terminal, with its escape sequences. */
  written(): string
  /** Whether it shows the alternate screen, and not the one with the lines from before. */
  isAlternate(): boolean
  isCursorShown(): boolean
  /** Whether some cell of the screen has a colour. */
  isColoured(): boolean
  /** Waits until the screen, its lines joined, is as it must be. */
  until(what: RegExp | ((screen: string) => boolean)): Promise<void>
  press(keys: string): void
  resize(columns: number, rows: number): void
  kill(signal: NodeJS.Signals): void
  /** The terminal goes away, as with a connection that breaks. */
  hangUp(): void
}

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly environment?: Readonly<Record<string, string>>
}

/** What a busy machine needs for a start, a look and a frame. */
const LIMIT_MS = 60_000

/** Runs the real command of a shop in a pseudo-terminal for as long as `use` takes. */
export async function withTerminal<Result>(
  shop: Pick<Shop, 'environment'>,
  args: readonly string[],
  options: TerminalOptions,
  use: (terminal: TerminalCommand) => Promise<Result>,
): Promise<Result> {
  const environment = { ...shop.environment, ...options.environment }
  return await withProgram(commandArguments(args), { ...options, environment }, use)
}

/** Runs node with these arguments in a pseudo-terminal. */
export async function withProgram<Result>(
  args: readonly string[],
  { columns = 110, environment = {}, rows = 30 }: TerminalOptions,
  use: (terminal: TerminalCommand) => Promise<Result>,
): Promise<Result> {
  const all = { LANG: 'C.UTF-8', TERM: 'xterm-256color', ...environment }
  const screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true })
  screen.write('what was there before\r\n')
  const child = spawn(process.execPath, [...args], {
    cols: columns,
    rows,
    // One without a configuration file.
    cwd: '/',
    env: environmentOf(all),
    name: all.TERM,
  })
  const looks = new Set<() => void>()
  let written = ''
  let exitCode: number | null = null
  child.onData((data) => {
    written += data
    screen.write(data, () => looks.forEach((look) => look()))
  })
  const ended = new Promise<{ exitCode: number }>((resolve) => {
    child.onExit((exit) => {
      exitCode = exit.exitCode
      // What it wrote last is on the screen when this is called back.
      screen.write('', () => resolve(exit))
      looks.forEach((look) => look())
    })
  })
  const terminal: TerminalCommand = {
    ended,
    screen: () => linesOf(screen),
    written: () => written,
    isAlternate: () => screen.buffer.active.type === 'alternate',
    isCursorShown: () => written.lastIndexOf('\u001B[?25h') >= written.lastIndexOf('\u001B[?25l'),
    isColoured: () => hasColours(screen),
    until: async (what) =>
      await new Promise((resolve, reject) => {
        const isSeen = typeof what === 'function' ? what : (text: string) => what.test(text)
        const finish = (error: Error | null): void => {
          clearTimeout(timer)
          looks.delete(look)
          if (error === null) resolve()
          else reject(error)
        }
        const look = (): void => {
          const text = linesOf(screen).join('\n')
          if (isSeen(text)) finish(null)
          else if (exitCode !== null) finish(new Error(`It ended with ${exitCode} before that:\n${text}`))
        }
        const timer = setTimeout(
          () => finish(new Error(`This never came: ${String(what)}\n${linesOf(screen).join('\n')}`)),
          LIMIT_MS,
        )
        looks.add(look)
        look()
      }),
    press: (keys) => child.write(keys),
    resize: (newColumns, newRows) => {
      screen.resize(newColumns, newRows)
      child.resize(newColumns, newRows)
    },
    kill: (signal) => void process.kill(child.pid, signal),
    hangUp: () => {
      // Its types know nothing of it.
      if ('destroy' in child && typeof child.destroy === 'function') child.destroy()
    },
  }
  try {
    return await use(terminal)
  } finally {
    if (exitCode === null) process.kill(child.pid, 'SIGKILL')
    await ended
    screen.dispose()
  }
}

function linesOf({ buffer: { active }, rows }: headless.Terminal): string[] {
  return Array.from({ length: rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '')
}

function hasColours({ buffer: { active }, rows }: headless.Terminal): boolean {
  for (let row = 0; row < rows; row += 1) {
    const line = active.getLine(active.viewportY + row)
    for (let column = 0; column < (line?.length ?? 0); column += 1)
      if (line?.getCell(column)?.isFgDefault() === false) return true
  }
  return false
}
