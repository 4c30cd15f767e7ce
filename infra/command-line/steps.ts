import type { Output } from './output.ts'
import { durationText } from './quantities.ts'
import { shortened } from './lane-text.ts'
import { type Display, progressDisplay, type World } from './terminal.ts'

/** Announces steps on standard error, each with what came of it and its time. */
export interface Steps {
  /**
   * Runs a step. On a terminal its line is there from the beginning, and `tell` changes it.
   * @returns what the action returns; `summary` of it closes the line.
   */
  run<Result>(
    name: string,
    action: (tell: (detail: string) => void) => Promise<Result>,
    summary: (result: Result) => string,
  ): Promise<Result>
  /** Announces a step that ran beside another. */
  done(name: string, summary: string, seconds: number): void
  /** The seconds of each step so far. */
  readonly seconds: Readonly<Record<string, number>>
}

const NAME_WIDTH = 10
const TIME_WIDTH = 11
const REDRAW_MS = 100

/** @param now milliseconds of a clock. */
export function openSteps(world: World, output: Output, now: () => number = Date.now): Steps {
  const seconds: Record<string, number> = {}
  const display = progressDisplay(world, output)
  return {
    seconds,
    done: (name, detail, took) => {
      seconds[name] = took
      output.note(stepText({ name, detail, seconds: took }, display))
    },
    run: async (name, action, summary) => {
      const startedAtMs = now()
      const line = openLine(world.stderr, output, display, name)
      try {
        const result = await action(line.tell)
        const took = (now() - startedAtMs) / 1000
        seconds[name] = took
        line.close(summary(result), took)
        return result
      } catch (error) {
        line.erase()
        throw error
      }
    },
  }
}

interface StepLine {
  readonly tell: (detail: string) => void
  readonly close: (summary: string, seconds: number) => void
  readonly erase: () => void
}

/** A line that is drawn again and again until it is closed; where that cannot be, only its end is written. */
function openLine(stderr: NodeJS.WriteStream, output: Output, display: Display, name: string): StepLine {
  let shown = '…'
  let drawnAtMs = 0
  const erase = (): void => void stderr.write('\r\u001b[K')
  const draw = (): void => {
    drawnAtMs = Date.now()
    erase()
    stderr.write(stepText({ name, detail: shown, seconds: null }, display))
  }
  const log = (line: string): void => {
    erase()
    stderr.write(`${line}\n`)
    draw()
  }
  if (display.isTerminal) {
    output.raise({ log, stop: erase })
    draw()
  }
  return {
    tell: (detail) => {
      shown = detail
      if (display.isTerminal && Date.now() - drawnAtMs >= REDRAW_MS) draw()
    },
    close: (detail, seconds) => {
      output.lower()
      output.note(stepText({ name, detail, seconds }, display))
    },
    erase: () => output.lower(),
  }
}

export interface StepState {
  readonly name: string
  readonly detail: string
  /** Null while it runs. */
  readonly seconds: number | null
}

/** A step's name, what came of it, and its time at the right edge of a line that is no wider than 80 columns. */
export function stepText({ name, detail, seconds }: StepState, display: Pick<Display, 'columns' | 'colours'>): string {
  const width = Math.min(display.columns, MAX_WIDTH) - 1 - NAME_WIDTH - 2 - TIME_WIDTH
  const middle = shortened(detail, width).padEnd(width)
  const title = display.colours.bold(name.padEnd(NAME_WIDTH))
  if (seconds === null) return `${title}  ${display.colours.dim(middle.trimEnd())}`
  return `${title}  ${middle}${display.colours.dim(durationText(seconds).padStart(TIME_WIDTH))}`
}

const MAX_WIDTH = 80
