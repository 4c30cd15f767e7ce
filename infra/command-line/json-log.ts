import { pino } from 'pino'
import { withoutSecrets } from '../configuration/secrets.ts'
import type { Log, LogFields, LogLevel } from './log.ts'

export interface JsonLogOptions {
  readonly verb: string
  /** Whose passwords are kept out of every line. */
  readonly urls: readonly string[]
  /** Takes a line with its end; it has been handed to the operating system when this returns. */
  readonly write: (line: string) => void
}

/** Nothing of that name is told; should it ever be, it is not shown. */
const REDACTED = ['password', 'token', 'authorization', 'url', 'user', 'pass', 'jwt', 'seed'].flatMap((name) => [
  name,
  `*.${name}`,
])

/** One line of JSON an event: level, time, verb, the fields and the sentence, which is `msg`. */
export function openJsonLog({ verb, urls, write }: JsonLogOptions): Log {
  const logger = pino(
    {
      base: { verb },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Its own would take the type from what holds the error.
      serializers: { err: (error: unknown) => error },
      redact: { paths: REDACTED, censor: '***' },
    },
    { write: (line: string) => write(escapedControls(line)) },
  )
  const told =
    (level: LogLevel) =>
    ({ event, ...fields }: LogFields, sentence: string): void =>
      logger[level]({ event, ...cleanFields(fields, urls) }, withoutSecrets(sentence, urls))
  return { isJson: true, info: told('info'), warn: told('warn'), error: told('error') }
}

/** JSON lets these stand as they are, and a terminal obeys them (U+009B begins what an escape does). */
function escapedControls(line: string): string {
  return line.replaceAll(/[\u007F-\u009F]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)
}

/** Before they are JSON, in which a password may be escaped and would not be found. */
function cleanFields(fields: object, urls: readonly string[]): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, clean(value, urls)]))
}

function clean(value: unknown, urls: readonly string[]): unknown {
  if (typeof value === 'string') return withoutSecrets(value, urls)
  if (Array.isArray(value)) return value.map((item: unknown) => clean(item, urls))
  return typeof value === 'object' && value !== null ? cleanFields(value, urls) : value
}
