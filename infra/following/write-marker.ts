import type { JetStreamManager } from 'nats'
import type pg from 'pg'
import { MARKER_PREFIX, markerText } from '../../contracts/marker.ts'
import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import { controlSubject, streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { MarkerControl } from '../../contracts/wire/message.ts'
import { apiCode, NO_MESSAGE } from '../nats/api-code.ts'

/**
 * Writes a named point into the monolith's WAL, and with it into every stream: all that was committed before it stands
 * before it. It is a transaction of its own, so that it has a place in the order of the commits.
 * Manual: "pg_logical_emit_message()".
 * @returns a position before the marker's own, and behind all that was committed before.
 */
export async function writeMarker(client: pg.Client, prefix: string, name: string): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_logical_emit_message(true, $1, $2)::text AS lsn', [
    MARKER_PREFIX,
    markerText(prefix, name),
  ])
  if (rows[0] === undefined) throw new Error('pg_logical_emit_message returned no row')
  return parseLsn(rows[0].lsn)
}

/**
 * Where a stream has a marker that was written at this position, or a later one: all that was committed before stands
 * before it. Null where it has none yet.
 */
export async function markedSequence(
  manager: JetStreamManager,
  prefix: string,
  service: string,
  written: Lsn,
): Promise<number | null> {
  const last = await lastMarker(manager, prefix, service)
  return last !== null && parseLsn(last.marker.lsn) >= written ? last.sequence : null
}

/** The position of a stream's last marker; 0 where it has none. */
export async function readLastMarker(manager: JetStreamManager, prefix: string, service: string): Promise<Lsn> {
  const last = await lastMarker(manager, prefix, service)
  return parseLsn(last?.marker.lsn ?? '0/0')
}

async function lastMarker(
  manager: JetStreamManager,
  prefix: string,
  service: string,
): Promise<{ readonly sequence: number; readonly marker: MarkerControl } | null> {
  try {
    const subject = controlSubject(prefix, service, 'marker')
    const { data, seq } = await manager.streams.getMessage(streamName(prefix, service), { last_by_subj: subject })
    const message = decodeMessage(data)
    return message.kind === 'control' && message.control === 'marker' ? { sequence: seq, marker: message } : null
  } catch (error) {
    if (apiCode(error) === NO_MESSAGE) return null
    throw error
  }
}
