import { emitKeypressEvents } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import * as ansi from 'ansi-escapes'
import type { Output } from './output.ts'
import { widthOf } from './terminal-line.ts'
import { displayOf, type World } from './terminal.ts'
import type { PressedKey } from './watch-keys.ts'
import type { Screen } from './watch-state.ts'

/** A terminal that a view has to itself. */
export interface FullScreen {
  /** As large as it is now. */
  readonly screen: () => Screen
  /** Shows these lines, and nothing else. */
  readonly draw: (lines: readonly string[]) => void
  /** Gives the terminal back as it was; it may be called again. */
  readonly close: () => void
}

export interface FullScreenEvents {
  readonly pressed: (key: PressedKey) => void
  /** The size is another, or what was on the screen is lost: it must be drawn. */
  readonly exposed: () => void
}

/** A line that is too long for a terminal which became narrower this moment is cut by it, and moves nothing. */
const NO_WRAP = '\u001B[?7l'
const WRAP = '\u001B[?7h'

/** What a shell needs to notice that its job stopped. */
const STOP_MS = 50

export function hasFullScreen({ environment, stdin, stdout }: World): boolean {
  return displayOf(stdout, environment).isTerminal && stdin.isTTY === true
}

/**
 * Takes the terminal: the alternate screen, no cursor, each key as it is pressed. Whatever ends the process gives it
 * back, by way of the output, which holds lines of progress back until then.
 */
export function openFullScreen(world: World, output: Output, events: FullScreenEvents): FullScreen {
  const { environment, stdin, stdout } = world
  const held: string[] = []
  let drawn = ''
  // While the job is stopped, and for a moment before and after that, the screen is the shell's.
  let isOurs = false
  let goingOn: NodeJS.Timeout | undefined
  const enter = (): void => {
    drawn = ''
    isOurs = true
    stdin.setRawMode(true)
    stdin.resume()
    stdout.write(ansi.enterAlternativeScreen + ansi.cursorHide + NO_WRAP + ansi.clearViewport)
  }
  const leave = (): void => {
    isOurs = false
    stdout.write(WRAP + ansi.cursorShow + ansi.exitAlternativeScreen)
    stdin.setRawMode(false)
    stdin.pause()
  }
  /** As Ctrl-Z does elsewhere, to all of the job, so that the shell has its terminal back; goes on when that lets it. */
  const suspend = (): void => {
    leave()
    process.kill(0, 'SIGTSTP')
    goingOn = setTimeout(() => {
      enter()
      events.exposed()
    }, STOP_MS)
  }
  const pressed = (_: string | undefined, key: PressedKey): void => {
    if (key.ctrl === true && key.name === 'z') return suspend()
    // In raw mode a terminal sends no signals: whoever listens for them must hear of it all the same.
    if (key.ctrl === true && key.name === 'c') return void process.kill(process.pid, 'SIGINT')
    if (key.ctrl === true && key.name === 'l') drawn = ''
    events.pressed(key)
  }
  emitKeypressEvents(stdin)
  stdin.on('keypress', pressed)
  stdout.on('resize', events.exposed)
  enter()
  output.raise({
    log: (line) => void held.push(line),
    stop: () => {
      // Nobody would leave the screen that was entered after this.
      clearTimeout(goingOn)
      stdin.off('keypress', pressed)
      stdout.off('resize', events.exposed)
      if (isOurs) leave()
      for (const line of held) output.note(line)
    },
  })
  return {
    screen: () => displayOf(stdout, environment),
    draw: (lines) => {
      if (!isOurs) return
      const frame = frameOf(lines, displayOf(stdout, environment).columns)
      if (frame !== drawn) stdout.write(frame)
      drawn = frame
    },
    close: output.lower,
  }
}

/** One write, which a terminal that can do so shows at once; each line at its own place, so that nothing ever scrolls. */
export function frameOf(lines: readonly string[], columns: number): string {
  const placed = lines.map((line, row) => {
    // After a line that fills the last cell an erasure would take that cell.
    const isFull = widthOf(stripVTControlCharacters(line)) >= columns
    return ansi.cursorTo(0, row) + line + (isFull ? '' : ansi.eraseEndLine)
  })
  return ansi.beginSynchronizedOutput + placed.join('') + ansi.endSynchronizedOutput
}
