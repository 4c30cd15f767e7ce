import cliProgress from 'cli-progress'
import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import type { Service } from '../../contracts/language/contract-set.ts'
import type { PlannedEntity, PublisherEvent } from '../../publisher/events.ts'
import type { VerifyEvent } from '../verify/events.ts'
import { laneLayout, type LaneStyle, laneText } from './lane-text.ts'
import type { Log } from './log.ts'
import { openLoggedProgress } from './logged-progress.ts'
import type { Output } from './output.ts'
import {
  afterConsumerEvent,
  afterPublisherEvent,
  afterReplayEvent,
  afterVerifyEvent,
  type Board,
  emptyBoard,
  lanes,
  totalLane,
} from './progress-board.ts'
import { consumerLine, publisherLine, replayLine, summaryLine, verifyLine } from './progress-lines.ts'
import { wrappedText } from './tables.ts'
import { type Display, progressDisplay, type World } from './terminal.ts'

/** Shows what is reported, on standard error. */
export interface Progress {
  publisher(event: PublisherEvent): void
  consumer(event: ConsumerEvent): void
  verify(event: VerifyEvent): void
  replay(event: ReplayEvent): void
  /** What consumers may expect of a snapshot that is still being taken. */
  expect(entities: readonly PlannedEntity[]): void
  /** Draws the last state and leaves it there. Nothing may be reported after it; it may be called again. */
  end(): void
}

/** Often enough to look alive; each frame is one short write. */
const FRAMES_PER_SECOND = 8

/** ECMA-48, "EL". */
const CLEAR_TO_END = '\u001B[K'

/** Plain lines go into logs, which nobody wants filled. */
const SUMMARY_EVERY_MS = 5_000

export interface ProgressOptions {
  /** For a part of something larger: bars are taken off the screen in the end, and phases get no lines. */
  readonly isBrief?: boolean
}

/** @param title what the plain lines call the work, for example `publish`. */
export function openProgress(
  { world, output, log }: { readonly world: World; readonly output: Output; readonly log: Log },
  services: readonly Service[],
  title: string,
  { isBrief = false }: ProgressOptions = {},
): Progress {
  if (log.isJson && !isBrief) return openLoggedProgress(log, services)
  let board = emptyBoard(services)
  const display = progressDisplay(world, output)
  if (display.isTerminal) raiseBars(world.stderr, output, display, isBrief, () => board)
  const lines = display.isTerminal ? silentLines() : plainLines(output, title)
  const after = (changed: Board, line: string | null, isNotice: boolean): void => {
    board = changed
    if (isNotice && line !== null) output.note(line)
    else lines(board, isBrief ? null : line)
  }
  return {
    publisher: (event) => {
      const changed = afterPublisherEvent(board, event, Date.now())
      after(changed, publisherLine(changed, event), event.type === 'notice')
    },
    consumer: (event) => {
      const changed = afterConsumerEvent(board, event, Date.now())
      after(changed, consumerLine(changed, event), event.type === 'notice')
    },
    verify: (event) => after(afterVerifyEvent(board, event, Date.now()), verifyLine(event), false),
    replay: (event) => {
      const changed = afterReplayEvent(board, event, Date.now())
      after(changed, replayLine(changed, event), event.type === 'notice' || event.type === 'step-done')
    },
    expect: (entities) => {
      board = afterPublisherEvent(board, { type: 'snapshot-planned', entities }, Date.now())
    },
    end: () => output.lower(),
  }
}

type Lines = (board: Board, line: string | null) => void

function silentLines(): Lines {
  return () => undefined
}

/** A line for each phase of a service, and a sum every few seconds. */
function plainLines(output: Output, title: string): Lines {
  let saidAtMs = Date.now()
  return (board, line) => {
    if (line !== null) output.note(line)
    if (Date.now() - saidAtMs < SUMMARY_EVERY_MS) return
    saidAtMs = Date.now()
    const summary = summaryLine(title, totalLane(board), saidAtMs)
    if (summary !== null) output.note(summary)
  }
}

/** One bar a service, or one in all where the terminal is too low for them. */
function raiseBars(
  stderr: NodeJS.WriteStream,
  output: Output,
  display: Display,
  isBrief: boolean,
  board: () => Board,
): void {
  const fits = lanes(board()).length < display.rows - 1
  const shown = (): ReturnType<typeof lanes> => (fits ? lanes(board()) : [totalLane(board())])
  const style = laneStyle(display)
  const labels = shown().map(({ label }) => label)
  const frame = (): string[] => {
    const layout = laneLayout(labels, stderr.columns || display.columns)
    return shown().map((lane) => laneText(lane, layout, style, Date.now()))
  }
  const bars = new cliProgress.MultiBar({
    stream: stderr,
    fps: FRAMES_PER_SECOND,
    hideCursor: true,
    // Its own last frame would be cut short, by the length of the colours in it.
    clearOnComplete: true,
    gracefulExit: false,
    // A line above the bars moves them all, those that did not change too.
    forceRedraw: true,
    format: (_options, _parameters, { index }: { index: number }) => frame()[index] ?? '',
  })
  labels.forEach((_, index) => bars.create(1, 0, { index }))
  output.raise({
    // Lines are cut at the edge while the bars are drawn.
    // Several lines at once go over bars that are still there, of which nothing is to stay behind their ends.
    log: (line) => {
      const lines = wrappedText(line, (stderr.columns || display.columns) - 1).split('\n')
      bars.log(lines.map((each) => `${each}${CLEAR_TO_END}\n`).join(''))
    },
    stop: () => {
      // Lines that wait to go above the bars are written with the next frame, and there will be none.
      bars.update()
      bars.stop()
      if (!isBrief) stderr.write(`${frame().join('\n')}\n`)
    },
  })
}

export function laneStyle({ colours, isUnicode }: Pick<Display, 'colours' | 'isUnicode'>): LaneStyle {
  return {
    full: isUnicode ? '█' : '#',
    empty: isUnicode ? '░' : '.',
    colourFull: colours.cyan,
    colourEmpty: colours.dim,
    colourDone: colours.green,
  }
}
