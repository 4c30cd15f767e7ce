import { InvalidArgumentError, Option } from 'commander'
import { MAX_CONNECTIONS } from '../configuration/connections.ts'
import { parseBytes, parseDuration } from '../configuration/parse-quantity.ts'

/** How long an outage is waited for: a restart or a failover takes less, and a night should not be lost on it. */
export const MAX_OUTAGE_MS = 15 * 60_000

/** A number of connections, for `--readers` and `--loaders`. */
export function connectionsFlag(text: string): number {
  return numberFlag(text, 1, MAX_CONNECTIONS)
}

export function numberFlag(text: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
}

export function maxOutageOption(description: string): Option {
  return new Option('--max-outage <duration>', description).argParser(durationFlag).default(MAX_OUTAGE_MS, '15m')
}

/** A duration such as `90s` or `15m`, in milliseconds. */
export function durationFlag(text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs !== null) return durationMs
  throw new InvalidArgumentError('It must be a number with ms, s, m or h, such as 90s or 15m.')
}

/** Bytes a second such as `20MB`. */
export function rateFlag(text: string): number {
  const bytes = parseBytes(text)
  if (bytes !== null) return bytes
  throw new InvalidArgumentError('It must be a number of bytes with kB, MB or GB, such as 20MB.')
}
