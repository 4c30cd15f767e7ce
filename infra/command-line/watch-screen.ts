import { isKnown } from '../../consumers/lag/lag-report.ts'
import type { LagLook } from '../../consumers/lag/lag-watch.ts'
import { unreachable } from '../../contracts/failure.ts'
import { countText } from './quantities.ts'
import { type Line, type Part, partsLine, renderedLine, span, type Tone } from './terminal-line.ts'
import { detailLines } from './watch-details.ts'
import { monolithLine, titleLine } from './watch-header.ts'
import { helpLines } from './watch-help.ts'
import type { Bounds } from './watch-keys.ts'
import { messageLines } from './watch-messages.ts'
import type { Screen, WatchState } from './watch-state.ts'
import { watchTable } from './watch-table.ts'

/** The whole view, as lines for a terminal: never more than it has rows, and none wider than it. */
export function watchScreen(state: WatchState, screen: Screen): string[] {
  const { columns, rows } = screen
  const body = bodyOf(state, screen)
  const room = bodyRows(rows)
  const shown = body.lines.slice(body.top, body.top + room)
  const blank = Array.from({ length: Math.max(0, room - shown.length) }, (): Line => [])
  return [titleLine(state, columns), ...shown, ...blank, keysLine(state, body, screen)]
    .slice(0, rows)
    .map((line) => renderedLine(line, screen))
}

/** How far keys may lead on this screen. */
export function watchBounds(state: WatchState, screen: Screen): Bounds {
  const { length, page, lines } = bodyOf(state, screen)
  return { services: length, page, lastTop: Math.max(0, lines.length - bodyRows(screen.rows)) }
}

/** Between the title and the line of keys. */
function bodyRows(rows: number): number {
  return Math.max(0, rows - 2)
}

interface Body {
  readonly lines: readonly Line[]
  /** The first of them that is shown. */
  readonly top: number
  readonly page: number
  /** How many services there are to select. */
  readonly length: number
  /** What of it is shown, where that is not all: `3-8 of 10`. */
  readonly range: string
}

function bodyOf(state: WatchState, screen: Screen): Body {
  const { controls, look, services } = state
  switch (controls.view) {
    case 'services':
      return servicesBody(state, screen)
    case 'details': {
      const name = services[controls.selected] ?? ''
      const lines: Line[] = look === null ? lookingLines() : detailLines(look, name, screen)
      return textBody(lines, state, screen)
    }
    case 'help':
      return textBody(helpLines(screen.columns), state, screen)
    default:
      return unreachable(controls.view)
  }
}

function textBody(lines: readonly Line[], { controls, services }: WatchState, { rows }: Screen): Body {
  const page = Math.max(1, bodyRows(rows))
  const top = Math.min(controls.top, Math.max(0, lines.length - page))
  return { lines, top, page, length: services.length, range: rangeText(top, page, lines.length) }
}

function rangeText(top: number, page: number, length: number): string {
  if (length <= page) return ''
  return `${top + 1}-${Math.min(length, top + page)} of ${length}`
}

function lookingLines(): Line[] {
  return [[], [span('The monolith, the log and the services are asked for the first time.', 'faint')]]
}

/** From so many rows of the body on there is room for titles, for the monolith, and for blank lines. */
const ROWS_FOR_TITLES = 3
const ROWS_FOR_MONOLITH = 5
const ROWS_FOR_BLANKS = 8
/** What has to be said is not crowded out by a long list of services. */
const MESSAGES_SHARE = 1 / 4

function servicesBody(state: WatchState, screen: Screen): Body {
  const { controls, look, services } = state
  if (look === null) return { lines: lookingLines(), top: 0, page: 1, length: services.length, range: '' }
  const room = bodyRows(screen.rows)
  const { lines, titles } = watchTable(look, controls.selected, screen)
  const messages = messageLines(look, screen.columns)
  const monolith = room >= ROWS_FOR_MONOLITH ? [monolithLine(look, screen.columns)] : []
  const heads = room >= ROWS_FOR_TITLES ? [titles] : []
  const needed = monolith.length + heads.length + lines.length + messages.length
  const blank: Line[] = room >= ROWS_FOR_BLANKS && room - needed >= 2 ? [[]] : []
  const fixed = monolith.length + heads.length + blank.length
  const reserved = Math.min(messages.length + blank.length, Math.floor(room * MESSAGES_SHARE))
  const page = Math.max(1, Math.min(lines.length, room - fixed - Math.max(0, reserved)))
  const top = topFor(controls.selected, page, lines.length)
  const rest = room - fixed - page
  const below = belowTable(messages, blank, rest)
  const details = detailsBelow(state, look, screen, rest - below.length)
  return {
    lines: [...monolith, ...blank, ...heads, ...lines.slice(top, top + page), ...below, ...details],
    top: 0,
    page,
    length: services.length,
    range: rangeText(top, page, lines.length),
  }
}

/** What is selected is in the middle, as far as the list's ends allow it. */
function topFor(selected: number, page: number, length: number): number {
  return Math.max(0, Math.min(selected - Math.floor(page / 2), length - page))
}

function belowTable(messages: readonly Line[], blank: readonly Line[], room: number): Line[] {
  if (messages.length === 0 || room <= 0) return []
  const all = [...blank, ...messages]
  if (all.length <= room) return all
  const kept = all.slice(0, room - 1)
  return [...kept, [span(`… ${countText(all.length - kept.length)} more lines: enlarge the terminal.`, 'faint')]]
}

/** Fewer rows of details than these say too little. */
const LEAST_DETAILS = 8

/** What a high screen has room for: all about the selected service, as Enter shows it. */
function detailsBelow({ controls, services }: WatchState, look: LagLook, screen: Screen, room: number): Line[] {
  const name = services[controls.selected]
  const lag = look.report.services.find(({ service }) => service === name)
  // Why nothing is known of it is said already.
  if (lag === undefined || !isKnown(lag) || room < LEAST_DETAILS + 2) return []
  const rule = (screen.isUnicode ? '─' : '-').repeat(screen.columns)
  return [[], [span(rule, 'faint')], ...detailLines(look, lag.service, screen)].slice(0, room)
}

function keysLine({ controls }: WatchState, { range }: Body, { columns, isUnicode }: Screen): Line {
  const key = (name: string, does: string, rank: number): Part => ({
    rank,
    line: [span(name, 'strong'), span(` ${does}`, 'faint')],
  })
  const ranged = range === '' ? [] : [part(range, 2, 'busy')]
  switch (controls.view) {
    case 'services':
      return partsLine(
        [
          key('q', 'quit', 0),
          key('?', 'help', 1),
          key('Enter', 'details', 3),
          key(isUnicode ? '↑↓' : 'Up/Down', 'select', 5),
          key('p', controls.isPaused ? 'go on' : 'pause', 4),
          ...ranged,
        ],
        columns,
      )
    case 'details':
      return partsLine(
        [
          key('Esc', 'back', 0),
          key('q', 'quit', 1),
          key(isUnicode ? '↑↓' : 'Up/Down', 'scroll', 4),
          key(isUnicode ? '←→' : 'Left/Right', 'other services', 5),
          key('p', controls.isPaused ? 'go on' : 'pause', 6),
          key('?', 'help', 3),
          ...ranged,
        ],
        columns,
      )
    case 'help':
      return partsLine(
        [key('Esc', 'back', 0), key('q', 'quit', 1), key(isUnicode ? '↑↓' : 'Up/Down', 'scroll', 3), ...ranged],
        columns,
      )
    default:
      return unreachable(controls.view)
  }
}

function part(text: string, rank: number, tone: Tone): Part {
  return { rank, line: [span(text, tone)] }
}
