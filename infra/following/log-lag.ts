import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { publicationName, publisherLockName, slotName } from '../prepare/names.ts'
import { parseStanding, type PublisherStanding, WATCH_SESSION } from './publisher-standing.ts'

/** How old something is, as far as it is known. */
export interface Age {
  readonly seconds: number
  /**
   * `at most` where nobody knows whether anything was written since the publisher was heard of; `at least` where nothing tells
   * what is behind that.
   */
  readonly bound: 'exact' | 'at least' | 'at most'
}

export const NOTHING_TELLS: Age = { seconds: 0, bound: 'at least' }

/** What tells it, at one moment of the monolith. */
export interface LogState {
  readonly nowMs: number
  /** What the publisher says, where one follows and says it. */
  readonly standing: PublisherStanding | null
  /** When the slot's first transaction was committed that was not sent; null where there is none, `unknown` where nobody can look. */
  readonly waitingSinceMs: number | null | 'unknown'
}

/** A publisher says how far it is each second, and the server tells it so each second: it is level where that is all. */
const LEVEL_MS = 3_000

/**
 * How old the oldest change of the monolith is that is not in the log.
 * @param nowMs of the monolith's clock, like all times here.
 */
export function judgeLogLag({ nowMs, standing, waitingSinceMs }: LogState): Age {
  const since = (ms: number): number => Math.max(0, (nowMs - ms) / 1_000)
  if (standing === null) {
    if (waitingSinceMs === 'unknown') return NOTHING_TELLS
    return { seconds: waitingSinceMs === null ? 0 : since(waitingSinceMs), bound: 'exact' }
  }
  const { receivedUntilMs, unstoredSinceMs } = standing
  if (unstoredSinceMs !== null) return { seconds: since(unstoredSinceMs), bound: 'exact' }
  if (receivedUntilMs === null) return NOTHING_TELLS
  return nowMs - receivedUntilMs <= LEVEL_MS
    ? { seconds: 0, bound: 'exact' }
    : { seconds: since(receivedUntilMs), bound: 'at most' }
}

/** Between two statements of the publisher's its text is another's for a moment. */
const ASK_AGAIN_MS = 60
const ASKS = 3

export type ReadLogLag = (client: pg.Client) => Promise<Age>

/** Reads it in the monolith alone. A session that may not see others' statements, or read the slot, is told nothing. */
export function createLogLagReader(prefix: string): ReadLogLag {
  const peek = createPeek(prefix)
  return async (client) => {
    for (let asks = 1; ; asks += 1) {
      const { confirmed, isActive, nowMs, standing } = await readSaid(client, prefix)
      if (standing !== null) return judgeLogLag({ nowMs, standing, waitingSinceMs: null })
      if (confirmed === null) return NOTHING_TELLS
      if (!isActive) return judgeLogLag({ nowMs, standing, waitingSinceMs: await peek(client, confirmed) })
      if (asks === ASKS) return NOTHING_TELLS
      await delay(ASK_AGAIN_MS)
    }
  }
}

interface Said {
  readonly nowMs: number
  /** Up to where the slot is confirmed; null where there is none, or it is lost. */
  readonly confirmed: string | null
  /** Whether somebody reads it. */
  readonly isActive: boolean
  readonly standing: PublisherStanding | null
}

async function readSaid(client: pg.Client, prefix: string): Promise<Said> {
  const { rows } = await client.query<{ now: string; confirmed: string | null; active: string | null; said: string }>(
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now, slot.confirmed_flush_lsn::text AS confirmed,
            slot.active,
            (SELECT coalesce(json_agg(query), '[]') FROM pg_stat_activity
              WHERE datname = current_database() AND starts_with(application_name, $2)) AS said
       FROM (VALUES (1)) AS one (row) LEFT JOIN pg_replication_slots AS slot
         ON slot.slot_name = $1 AND slot.database = current_database() AND slot.wal_status IS DISTINCT FROM 'lost'`,
    [slotName(prefix), `scission ${WATCH_SESSION} `],
  )
  const [row] = rows
  const texts = JSON.parse(row?.said ?? '[]') as string[] // As the statement makes them.
  const standings = texts.flatMap((text) => parseStanding(prefix, text) ?? [])
  return {
    nowMs: Number(row?.now),
    confirmed: row?.confirmed ?? null,
    isActive: row?.active === 't',
    standing: standings[0] ?? null,
  }
}

/** To look at a slot may take long where it has much that is nobody's business: then nothing is told. */
const PEEK_LIMIT_MS = 700
/** So many changes are looked at for the first that is one; a transaction is always looked at wholly. */
const PEEKED_CHANGES = 1_000
const POSTGRES_EPOCH_MS = 946_684_800_000

/** After so long it is tried again where it took too long. */
const PEEK_AGAIN_MS = 30_000

type Peeked = number | null | 'unknown'
type Peek = (client: pg.Client, confirmed: string) => Promise<Peeked>

/** What was seen stays the first as long as the slot stays where it is: who looks again and again does not ask for it again. */
function createPeek(prefix: string): Peek {
  let seen: { readonly confirmed: string; readonly oldest: number | 'unknown'; readonly at: number } | null = null
  return async (client, confirmed) => {
    const isSeen = seen?.confirmed === confirmed && (seen.oldest !== 'unknown' || Date.now() - seen.at < PEEK_AGAIN_MS)
    if (seen !== null && isSeen) return seen.oldest
    const oldest = await peekOldest(client, prefix)
    seen = oldest === null ? null : { confirmed, oldest, at: Date.now() }
    return oldest
  }
}

/**
 * Looks what a slot would send first that nobody reads, and takes nothing of it. The publisher's lock is shared meanwhile, so
 * that one that begins waits for us rather than find its slot in use. Manual: "pg_logical_slot_peek_binary_changes".
 */
async function peekOldest(client: pg.Client, prefix: string): Promise<Peeked> {
  const lock = publisherLockName(prefix)
  const { rows } = await client.query<{ locked: string }>(
    'SELECT pg_try_advisory_lock_shared(hashtextextended($1, 0)) AS locked',
    [lock],
  )
  // A publisher is there, and does not read its slot yet.
  if (rows[0]?.locked !== 't') return 'unknown'
  try {
    await client.query(`SET statement_timeout = ${PEEK_LIMIT_MS}`)
    return await readFirst(client, prefix)
  } catch (error) {
    if (error instanceof pg.DatabaseError) return 'unknown'
    throw error
  } finally {
    await client.query('RESET statement_timeout')
    await client.query('SELECT pg_advisory_unlock_shared(hashtextextended($1, 0))', [lock])
  }
}

/** A server before 15 sends the frame of a transaction of which it sends nothing: a begin with a commit behind it. */
async function readFirst(client: pg.Client, prefix: string): Promise<number | null> {
  const { rows } = await client.query<{ since: string }>(
    `SELECT (('x' || encode(substr(data, 10, 8), 'hex'))::bit(64)::bigint / 1000)::text AS since
       FROM (SELECT data, lead(data) OVER (ORDER BY ordinality) AS next, ordinality
               FROM pg_logical_slot_peek_binary_changes($1, NULL, ${PEEKED_CHANGES},
                      'proto_version', '1', 'publication_names', $2)
                    WITH ORDINALITY AS peeked (lsn, xid, data, ordinality)) AS message
      WHERE substr(data, 1, 1) = 'B' AND substr(next, 1, 1) <> 'C'
      ORDER BY ordinality LIMIT 1`,
    [slotName(prefix), quoteIdentifier(publicationName(prefix))],
  )
  return rows[0] === undefined ? null : Number(rows[0].since) + POSTGRES_EPOCH_MS
}
