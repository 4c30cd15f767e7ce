import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamManager } from 'nats'
import type { Client } from 'pg'
import { Failure } from '../../../contracts/failure.ts'
import { type Lsn, lsnText } from '../../../contracts/positions.ts'
import { streamName } from '../../../contracts/subjects.ts'
import { markedSequence, readLastMarker } from '../../following/write-marker.ts'
import { publicationName, slotName } from '../../prepare/names.ts'

/** A publisher that follows is a second behind at most, unless it has much to send. */
const MARKER_LIMIT_MS = 60_000
const LOOK_MS = 50

export interface PublisherPlace {
  readonly manager: JetStreamManager
  readonly monolith: Client
  readonly prefix: string
  readonly services: readonly string[]
}

/** Whether somebody follows the monolith: its slot is being read. */
export async function isFollowed({ monolith, prefix }: PublisherPlace): Promise<boolean> {
  const { rows } = await monolith.query<{ active: string }>(
    'SELECT active FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()',
    [slotName(prefix)],
  )
  if (rows[0] === undefined)
    throw new Failure(
      4,
      `There is no slot ${slotName(prefix)} in the monolith, so that the log does not follow it: begin anew with publish --new-epoch.`,
    )
  return rows[0].active === 't'
}

/**
 * Returns when every stream holds all that was committed before a marker was written there.
 * @throws Failure 5 where the publisher does not come to it.
 */
export async function untilMarked(place: PublisherPlace, written: Lsn, signal: AbortSignal | undefined): Promise<void> {
  const { manager, prefix } = place
  const deadline = Date.now() + MARKER_LIMIT_MS
  for (const service of place.services)
    while ((await markedSequence(manager, prefix, service, written)) === null) {
      if (Date.now() > deadline)
        throw new Failure(
          5,
          `The publisher has not come to the present in ${MARKER_LIMIT_MS / 1000} s (stream ${streamName(prefix, service)}): it is behind; let it catch up, then run verify again.`,
        )
      await delay(LOOK_MS, undefined, signal && { signal })
    }
}

/** More would tell no more. */
const PEEKED = 10_000

/** Of the replication stream: a transaction's beginning, and inserts, updates, deletes and truncates. */
const [BEGIN, CHANGES] = ['B', 'IUDT']

/**
 * Sees that the log has all that was committed before the point, where nobody follows: what the slot would send, and the
 * streams do not have since before a marker.
 * @throws Failure 5 where there is something.
 */
export async function assertPublished(place: PublisherPlace, point: Lsn): Promise<void> {
  const { monolith, prefix } = place
  const marked = await lastMarked(place)
  // The type of each message, and of a transaction's beginning where its commit record begins.
  const { rows } = await monolith.query<{ type: string; commit: string }>(
    `SELECT chr(get_byte(data, 0)) AS type, encode(substr(data, 2, 8), 'hex') AS commit
       FROM pg_logical_slot_peek_binary_changes($1, $2::pg_lsn, ${PEEKED}, 'proto_version', '1', 'publication_names', $3)`,
    [slotName(prefix), lsnText(point), `"${publicationName(prefix)}"`],
  )
  let commit = 0n
  let missing = 0
  for (const row of rows) {
    if (row.type === BEGIN) commit = BigInt(`0x${row.commit}`)
    if (CHANGES.includes(row.type) && commit > marked && commit < point) missing += 1
  }
  if (missing === 0 && rows.length < PEEKED) return
  throw new Failure(
    5,
    `The log does not have all changes of the monolith (${missing} or more are missing): run publish, then verify again.`,
  )
}

/** All that was committed before the last marker that every stream has is in every stream. */
async function lastMarked({ manager, prefix, services }: PublisherPlace): Promise<bigint> {
  const markers = await Promise.all(services.map(async (service) => await readLastMarker(manager, prefix, service)))
  return markers.reduce((least, lsn) => (lsn < least ? lsn : least))
}
