import {
  choice,
  group,
  indent,
  joined,
  type Layout,
  LINE,
  mustBreak,
  NEW_LINE,
  SOFT_LINE,
  whenBroken,
} from './layout.ts'

/** What a reader would not see, or would see as something else: controls, marks of direction, blanks that are none. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A string in source text, in single quotes unless it holds more of those than of double ones. */
export function stringSource(text: string): string {
  const singles = text.split("'").length
  const quote = singles > text.split('"').length ? '"' : "'"
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll(UNSEEN, escapeOf)
  return quote + escaped + quote
}

/** A text for a comment: on one line, without what would end the comment or deceive the eye. */
export function commentText(text: string): string {
  return text.replaceAll(UNSEEN, escapeOf).replaceAll('*/', '*\\/')
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return SHORT_ESCAPES[character] ?? `\\u{${code.toString(16)}}`
}

const PLAIN_KEY = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u

/** A property's key. `__proto__` as a plain key, quoted or not, would set the object's prototype in its place. */
export function keySource(name: string): string {
  if (name === '__proto__') return "['__proto__']"
  return PLAIN_KEY.test(name) ? name : stringSource(name)
}

/** An object with its properties; `comments` stand above a property. */
export interface Property {
  readonly name: string
  /** Null for a property that is called as its value's variable. */
  readonly value: Layout | null
  readonly comment?: string
}

export function objectSource(properties: readonly Property[], isBroken = false): Layout {
  if (properties.length === 0) return '{}'
  const parts = properties.map(propertySource)
  return group(['{', indent([LINE, joined(parts, [',', LINE])]), whenBroken(','), LINE, '}'], isBroken)
}

function propertySource({ name, value, comment }: Property): Layout {
  const lines = comment === undefined ? [] : [`// ${commentText(comment)}`, NEW_LINE]
  if (value === null) return [...lines, name]
  // A text that is too long for the line goes below its key; anything else is broken inside.
  if (typeof value === 'string' && /^['"]/.test(value))
    return [...lines, group([keySource(name), ':', indent([LINE, value])])]
  return [...lines, keySource(name), ': ', value]
}

export interface Item {
  readonly value: Layout
  readonly comment?: string
}

/** A list; one of several objects with several properties each has a line for each of them. */
export function listSource(items: readonly Item[], isBroken = false): Layout {
  if (items.length === 0) return '[]'
  const parts = items.map(({ value, comment }) =>
    comment === undefined ? value : [`// ${commentText(comment)}`, NEW_LINE, value],
  )
  return group(['[', indent([SOFT_LINE, joined(parts, [',', LINE])]), whenBroken(','), SOFT_LINE, ']'], isBroken)
}

export function stringsSource(texts: readonly string[]): Layout {
  return listSource(texts.map((text) => ({ value: stringSource(text) })))
}

/**
 * A call. Where it does not fit, an object or a list at the end is broken alone if `hugsLast`, and else every argument
 * stands on a line of its own.
 */
export function callSource(name: string, args: readonly Layout[], hugsLast = false): Layout {
  const last = args.at(-1)
  if (last === undefined) return `${name}()`
  const apart = group(
    [`${name}(`, indent([SOFT_LINE, joined(args, [',', LINE])]), whenBroken(','), SOFT_LINE, ')'],
    args.some(mustBreak),
  )
  if (!hugsLast) return apart
  const before = args.slice(0, -1).flatMap((arg) => [arg, ', '])
  const hugged = [`${name}(`, ...before, brokenOpen(last), ')']
  return mustBreak(last) ? hugged : choice(group([`${name}(`, ...before, last, ')']), hugged)
}

function brokenOpen(layout: Layout): Layout {
  return typeof layout === 'object' && 'kind' in layout && layout.kind === 'group'
    ? { ...layout, isBroken: true }
    : layout
}

/** So many calls in a row stay together, whatever they hold. */
const CALLS_TOGETHER = 2

/** A call with methods behind it, as `text().nullable()`: on one line, or each method on one of its own. */
export function chainSource(first: Layout, methods: readonly Layout[]): Layout {
  const together = [first, ...methods.flatMap((method) => ['.', method])]
  if (methods.length < CALLS_TOGETHER) return together
  return choice(group(together), [first, indent(methods.flatMap((method) => [NEW_LINE, '.', method]))])
}
