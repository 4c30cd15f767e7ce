import { unreachable } from '../../contracts/failure.ts'

/** What a key asks of the view. */
export type WatchKey =
  | 'quit'
  | 'help'
  | 'open'
  | 'back'
  | 'pause'
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'

/** What of the view the keys decide. */
export interface Controls {
  readonly view: 'services' | 'details' | 'help'
  /** Where help leads back to. */
  readonly behindHelp: 'services' | 'details'
  /** Which service is selected, from 0. */
  readonly selected: number
  /** The first line that is shown of the help, or of the details. */
  readonly top: number
  readonly isPaused: boolean
  readonly isEnded: boolean
}

export const FIRST_CONTROLS: Controls = {
  view: 'services',
  behindHelp: 'services',
  selected: 0,
  top: 0,
  isPaused: false,
  isEnded: false,
}

/** How far the keys may lead, on the screen as it is now. */
export interface Bounds {
  readonly services: number
  /** How many lines, or services, a page has. */
  readonly page: number
  /** The greatest `top` that still fills the screen. */
  readonly lastTop: number
}

/** The view after a key. */
export function afterKey(controls: Controls, key: WatchKey, bounds: Bounds): Controls {
  switch (key) {
    case 'quit':
      return { ...controls, isEnded: true }
    case 'pause':
      return { ...controls, isPaused: !controls.isPaused }
    case 'help':
      return controls.view === 'help' ? backFrom(controls) : { ...controls, ...helpOver(controls) }
    case 'back':
      return backFrom(controls)
    case 'open':
      return controls.view === 'services' && bounds.services > 0 ? { ...controls, view: 'details', top: 0 } : controls
    case 'left':
    case 'right':
      // There is nothing beside a list, nor beside the help.
      return controls.view === 'details'
        ? { ...controls, top: 0, selected: within(controls.selected + (key === 'left' ? -1 : 1), bounds.services - 1) }
        : controls
    case 'up':
    case 'down':
    case 'page-up':
    case 'page-down':
    case 'first':
    case 'last':
      return moved(controls, key, bounds)
    default:
      return unreachable(key)
  }
}

function helpOver({ behindHelp, view }: Controls): Pick<Controls, 'view' | 'behindHelp' | 'top'> {
  return { view: 'help', behindHelp: view === 'help' ? behindHelp : view, top: 0 }
}

function backFrom(controls: Controls): Controls {
  return { ...controls, view: controls.view === 'help' ? controls.behindHelp : 'services', top: 0 }
}

type Movement = 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last'

/** A list moves its selection, a text its first line. */
function moved(controls: Controls, key: Movement, { lastTop, page, services }: Bounds): Controls {
  const step = { up: -1, down: 1, 'page-up': -page, 'page-down': page, first: -Infinity, last: Infinity }[key]
  return controls.view === 'services'
    ? { ...controls, selected: within(controls.selected + step, services - 1) }
    : { ...controls, top: within(Math.min(controls.top, lastTop) + step, lastTop) }
}

function within(number: number, greatest: number): number {
  return Math.max(0, Math.min(number, greatest))
}

/** A key as `node:readline` tells it. */
export interface PressedKey {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

const BY_NAME: Readonly<Record<string, WatchKey>> = {
  q: 'quit',
  h: 'help',
  f1: 'help',
  return: 'open',
  enter: 'open',
  escape: 'back',
  backspace: 'back',
  p: 'pause',
  space: 'pause',
  up: 'up',
  k: 'up',
  down: 'down',
  j: 'down',
  left: 'left',
  right: 'right',
  pageup: 'page-up',
  pagedown: 'page-down',
  home: 'first',
  end: 'last',
}

/** What a pressed key asks for; null where it asks for nothing. */
export function watchKeyOf({ ctrl, meta, name, sequence }: PressedKey): WatchKey | null {
  if (ctrl === true) return null
  if (sequence === '?') return 'help'
  // An Escape arrives with the mark of a meta key, which precedes others too.
  if (meta === true && name !== 'escape') return null
  return name !== undefined && Object.hasOwn(BY_NAME, name) ? (BY_NAME[name] ?? null) : null
}
