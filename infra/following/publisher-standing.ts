import type pg from 'pg'
import { type Lsn, lsnText, parseLsn } from '../../contracts/positions.ts'

/**
 * What a publisher that follows says of itself. It says it in the text of a statement, which others read in
 * `pg_stat_activity`: nothing is written for it into the monolith, and it is there when the broker is not.
 */
export interface PublisherStanding {
  /** The server has nothing before it that was not received. */
  readonly received: Lsn
  /** All that was committed before is received; milliseconds of the monolith's clock since 1970. Null where nothing tells it yet. */
  readonly receivedUntilMs: number | null
  /** When the first transaction was committed that is received and not in the log; null where all is. */
  readonly unstoredSinceMs: number | null
}

/** The session in which it is said. */
export const WATCH_SESSION = 'publish watch'

/** Where the monolith is, as the statement tells whoever says it. */
export interface MonolithMoment {
  readonly position: Lsn
  readonly nowMs: number
}

const UNKNOWN = '-'

/** Says it: the text stays visible until the session's next statement, or its end. */
export async function tellStanding(
  client: pg.Client,
  prefix: string,
  standing: PublisherStanding,
): Promise<MonolithMoment> {
  const { rows } = await client.query<{ position: string; now: string }>(
    `/* ${standingText(prefix, standing)} */
     SELECT pg_current_wal_flush_lsn()::text AS position, (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('A server that has a position gave none')
  return { position: parseLsn(row.position), nowMs: Number(row.now) }
}

/** A server may cut a statement's text after a hundred bytes. */
export function standingText(
  prefix: string,
  { received, receivedUntilMs, unstoredSinceMs }: PublisherStanding,
): string {
  const [until, since] = [receivedUntilMs, unstoredSinceMs].map((ms) =>
    ms === null ? UNKNOWN : String(Math.round(ms)),
  )
  return `scission ${prefix} ${lsnText(received)} ${until} ${since}`
}

const STANDING = /^\/\* scission ([a-z0-9_]+) ([0-9A-F]+\/[0-9A-F]+) (\d+|-) (\d+|-) /

/** @returns null where it is another's, or no standing. */
export function parseStanding(prefix: string, text: string): PublisherStanding | null {
  const [, of, received, until, since] = STANDING.exec(text) ?? []
  if (of !== prefix || received === undefined || until === undefined || since === undefined) return null
  const msOf = (field: string): number | null => (field === UNKNOWN ? null : Number(field))
  return { received: parseLsn(received), receivedUntilMs: msOf(until), unstoredSinceMs: msOf(since) }
}
