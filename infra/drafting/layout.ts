import { unreachable } from '../../contracts/failure.ts'

/**
 * Source text that can stand on one line or be broken over several: a small form of Wadler's "A prettier printer", so
 * that a draft needs no formatter. A group is broken where it does not fit, outer groups first.
 */
export type Layout =
  | string
  | readonly Layout[]
  /** A blank (or nothing) on one line, a new line where its group is broken. */
  | { readonly kind: 'line'; readonly flat: string }
  /** A new line always: every group around it is broken. */
  | { readonly kind: 'new line' }
  | { readonly kind: 'indent'; readonly of: Layout }
  | { readonly kind: 'group'; readonly of: Layout; readonly isBroken: boolean }
  /** Text that stands there only where its group is broken. */
  | { readonly kind: 'when broken'; readonly text: string }
  /** The first of several forms that fits on its first line; the last one, where none does. */
  | { readonly kind: 'choice'; readonly of: readonly Layout[] }

export const LINE: Layout = { kind: 'line', flat: ' ' }
export const SOFT_LINE: Layout = { kind: 'line', flat: '' }
export const NEW_LINE: Layout = { kind: 'new line' }

export function indent(of: Layout): Layout {
  return { kind: 'indent', of }
}

/** @param isBroken whether it is broken even where it fits. */
export function group(of: Layout, isBroken = false): Layout {
  return { kind: 'group', of, isBroken: isBroken || mustBreak(of) }
}

export function choice(...of: readonly Layout[]): Layout {
  return { kind: 'choice', of }
}

export function whenBroken(text: string): Layout {
  return { kind: 'when broken', text }
}

export function joined(parts: readonly Layout[], separator: Layout): Layout {
  return parts.flatMap((part, place) => (place === 0 ? [part] : [separator, part]))
}

export function mustBreak(layout: Layout): boolean {
  if (typeof layout === 'string') return false
  if (isList(layout)) return layout.some(mustBreak)
  switch (layout.kind) {
    case 'new line':
      return true
    case 'group':
      return layout.isBroken
    case 'indent':
      return mustBreak(layout.of)
    case 'choice':
      return layout.of.every(mustBreak)
    case 'line':
    case 'when broken':
      return false
    default:
      return unreachable(layout)
  }
}

const INDENTATION = '  '

interface Place {
  readonly layout: Layout
  readonly depth: number
  readonly isBroken: boolean
}

/** @param width characters of a line. */
export function printLayout(layout: Layout, width: number): string {
  let text = ''
  let column = 0
  const left: Place[] = [{ layout, depth: 0, isBroken: true }]
  const newLine = (depth: number): void => {
    text = `${text.replace(/ +$/, '')}\n${INDENTATION.repeat(depth)}`
    column = INDENTATION.length * depth
  }
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const { layout: item, depth, isBroken } = place
    const add = (part: Layout, broken = isBroken): void => void left.push({ layout: part, depth, isBroken: broken })
    if (typeof item === 'string') {
      text += item
      column += item.length
    } else if (isList(item)) for (const part of item.toReversed()) add(part)
    else if (item.kind === 'new line' || (item.kind === 'line' && isBroken)) newLine(depth)
    else if (item.kind === 'line') add(item.flat)
    else if (item.kind === 'when broken') add(isBroken ? item.text : '')
    else if (item.kind === 'indent') left.push({ layout: item.of, depth: depth + 1, isBroken })
    else if (item.kind === 'group') add(item.of, item.isBroken || !fits(item.of, width - column, left))
    else add(chosen(item.of, width - column, left), isBroken)
  }
  return text
}

function chosen(forms: readonly Layout[], room: number, after: readonly Place[]): Layout {
  return forms.find((form) => fitsUpToBreak(form, room, after)) ?? forms.at(-1) ?? ''
}

/** Whether a layout fits on the rest of the line, with what follows it up to the next place where a line may end. */
function fits(layout: Layout, room: number, after: readonly Place[]): boolean {
  return !mustBreak(layout) && fitsUpToBreak(layout, room, after)
}

function fitsUpToBreak(layout: Layout, room: number, after: readonly Place[]): boolean {
  let free = room
  const rest: Place[] = [{ layout, depth: 0, isBroken: false }]
  for (let next = after.length; free >= 0;) {
    const place = rest.pop() ?? after[(next -= 1)]
    if (place === undefined) return true
    const { layout: item, isBroken } = place
    const add = (part: Layout, broken = isBroken): void => void rest.push({ layout: part, depth: 0, isBroken: broken })
    if (typeof item === 'string') free -= item.length
    else if (isList(item)) for (const part of item.toReversed()) add(part)
    else if (item.kind === 'new line' || (item.kind === 'line' && isBroken)) return free >= 0
    else if (item.kind === 'line') free -= item.flat.length
    else if (item.kind === 'when broken') free -= isBroken ? item.text.length : 0
    else if (item.kind === 'indent') add(item.of)
    else if (item.kind === 'group') add(item.of, item.isBroken)
    else add(item.of[0] ?? '')
  }
  return false
}

function isList(layout: Exclude<Layout, string>): layout is readonly Layout[] {
  return Array.isArray(layout)
}
