import { withClient } from './servers.ts'

/** When a swap held its locks, by the server's own clock, in milliseconds since 1970. */
export interface Swap {
  readonly lockedAtMs: number
  readonly committedAtMs: number
}

/** Beside the server's data, where SQL can read it. */
const LOG_FILE = 'log/statements.log'

/** What makes a server write a log that `readSwap` understands; sessions turn their statements on by themselves. */
export const LOG_SETTINGS = {
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'statements.log',
  log_rotation_size: '0',
  // Milliseconds since 1970, and the session.
  log_line_prefix: '%n %p ',
}

/** A URL whose sessions write every statement, and its end, into the log. */
export function loggedUrl(url: string): string {
  const logged = new URL(url)
  logged.searchParams.append('options', '-c log_statement=all -c log_duration=on')
  return logged.href
}

/** The last swap that the server's log has. @throws Error where it has none. */
export async function readSwap(url: string): Promise<Swap> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ text: string }>('SELECT pg_read_file($1) AS text', [LOG_FILE])
    const swap = lastSwap(rows[0]?.text ?? '')
    if (swap === null) throw new Error('No swap was logged')
    return swap
  })
}

/** A session writes each statement, and behind it how long that took; further lines of a statement are indented. */
const LINE = /^(?<at>\d+\.\d+) (?<session>\d+) LOG: {2}(?<what>.*)$/
const ENDED = /^duration: /

/** From the end of the first lock of the last swap's transaction to the end of its commit. */
export function lastSwap(log: string): Swap | null {
  const lines = log.split('\n').flatMap((line) => {
    const { at, session, what } = LINE.exec(line)?.groups ?? {}
    return at === undefined || what === undefined ? [] : [{ atMs: Number(at) * 1000, session, what }]
  })
  const isLock = ({ what }: { readonly what: string }): boolean => what.includes('LOCK TABLE ONLY')
  const own = lines.filter(({ session }) => session === lines.findLast(isLock)?.session)
  const begin = own.slice(0, own.findLastIndex(isLock)).findLastIndex(({ what }) => what.startsWith('statement: BEGIN'))
  const transaction = own.slice(begin)
  const endOf = (first: number): number | undefined =>
    first < 0 ? undefined : transaction.slice(first).find(({ what }) => ENDED.test(what))?.atMs
  const lockedAtMs = endOf(transaction.findIndex(isLock))
  const committedAtMs = endOf(transaction.findIndex(({ what }) => what === 'statement: COMMIT'))
  return begin < 0 || lockedAtMs === undefined || committedAtMs === undefined ? null : { lockedAtMs, committedAtMs }
}
