import type { ConsumerEvent } from '../../consumers/events.ts'
import type { ReplayEvent } from '../../consumers/replay/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { PublisherEvent } from '../../publisher/events.ts'
import type { LogForm } from '../configuration/log-form.ts'
import type { VerifyEvent } from '../verify/events.ts'
import { printableLines } from './terminal-line.ts'

/** What the command line tells of itself, whatever the verb. */
export const OWN_EVENTS = ['begun', 'ended', 'failed', 'interrupted', 'notice', 'problem', 'note'] as const

export type LogEvent =
  | (typeof OWN_EVENTS)[number]
  | (PublisherEvent | ConsumerEvent | VerifyEvent | ReplayEvent)['type']

/** What a program reads of an event, beside the sentence for a person. docs/logs.md has all of them. */
export interface LogFields {
  readonly event: LogEvent
  /** A defect of ours. */
  readonly err?: LoggedError
  readonly [field: string]: unknown
}

export interface LoggedError {
  readonly type: string
  readonly message: string
  /** With those of its causes. */
  readonly stack: string
}

export type LogLevel = 'info' | 'warn' | 'error'

/** Tells an event on standard error: as one line of JSON, or as its sentence alone. */
export interface Log extends Readonly<Record<LogLevel, (fields: LogFields, sentence: string) => void>> {
  /** Whether the fields are written too: what only they tell, and what would be drawn, is left out otherwise. */
  readonly isJson: boolean
}

/** What is written of one event, or of the sum of many. */
export interface LogRecord {
  readonly level: Exclude<LogLevel, 'error'>
  readonly fields: LogFields
  readonly sentence: string
}

/** @param write writes a line. */
export function createTextLog(write: (line: string) => void): Log {
  // A sentence may quote what a server or a driver said.
  const note = (sentence: string): void => write(printableLines(sentence))
  return {
    isJson: false,
    info: (_, sentence) => note(sentence),
    warn: (_, sentence) => note(sentence),
    error: ({ err }, sentence) => note(`scission: ${err?.stack ?? sentence}`),
  }
}

export interface LogReader {
  readonly form: LogForm
  readonly arguments: readonly string[]
  readonly isTerminal: boolean
}

/** What runs for long is read by programs where no terminal is there; of what ends at once a person reads the sentence. */
export function wantsJson({ form, isTerminal, ...given }: LogReader): boolean {
  switch (form) {
    case 'json':
      return true
    case 'text':
      return false
    case 'auto':
      return !isTerminal && runsForLong(given.arguments)
    default:
      return unreachable(form)
  }
}

const LONG_VERBS = ['publish', 'consume']

/** With these `lag` goes on for ever. */
const LONG_FLAGS = /^--(follow|serve)(=|$)/

export function runsForLong([verb = '', ...flags]: readonly string[]): boolean {
  return LONG_VERBS.includes(verb) || (verb === 'lag' && flags.some((flag) => LONG_FLAGS.test(flag)))
}
