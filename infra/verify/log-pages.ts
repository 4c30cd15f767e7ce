import type { NatsConnection } from 'nats'
import { Failure } from '../../contracts/failure.ts'
import type { Entity } from '../../contracts/language/contract-set.ts'
import type { StreamSequence } from '../../contracts/positions.ts'
import { controlSubject, snapshotSubject } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import type { EntityTotals } from '../../contracts/wire/message.ts'
import { messageKind } from '../../contracts/wire/message-kind.ts'
import { type PageHeader, readPageHeader } from '../../contracts/wire/page-header.ts'
import { PartAssembler } from '../../contracts/wire/parts.ts'
import { type LogMessage, readLog } from '../nats/read-log.ts'
import { lastMessage } from './last-message.ts'
import type { ClosedSnapshot } from './read-manifest.ts'

/** One entity's reading in the log. */
export interface LogReading {
  readonly connection: NatsConnection
  readonly prefix: string
  readonly service: string
  readonly entity: Entity
  readonly snapshot: ClosedSnapshot
  readonly totals: EntityTotals
  readonly signal: AbortSignal | undefined
}

export interface WholePage {
  readonly header: PageHeader
  readonly payload: Uint8Array
}

/** How often in a row the broker may send nothing, a second each time, before what it must hold is taken to be gone. */
const MAX_IDLE_READS = 30

/**
 * Every page of the attempt that the manifest counts, also repeated ones, as far as the log holds them. Nothing before
 * the attempt's announcement is looked at: it is void, and the parts of its large rows may never all come.
 */
export async function* readPages(reading: LogReading): AsyncGenerator<WholePage> {
  const { prefix, service, entity, snapshot, totals } = reading
  const parts = new PartAssembler()
  const from = await announcement(reading)
  for await (const message of messagesOf(reading, snapshotSubject(prefix, service, entity.name), from)) {
    const payload = wholePayload(parts, message)
    if (payload === null) continue
    const header = readPageHeader(payload)
    if (header.epoch === snapshot.manifest.epoch && header.attempt === totals.attempt) yield { header, payload }
  }
}

/**
 * Where the attempt was announced.
 * @throws Failure 4 where the log does not hold that any more.
 */
async function announcement(reading: LogReading): Promise<StreamSequence> {
  const { prefix, service, entity, snapshot, totals } = reading
  for await (const message of messagesOf(reading, controlSubject(prefix, service, 'attempt'), snapshot.firstSequence)) {
    const control = decodeMessage(message.payload)
    if (control.kind !== 'control' || control.control !== 'attempt') continue
    const isOurs = control.epoch === snapshot.manifest.epoch && control.entity === entity.name
    if (isOurs && control.attempt === totals.attempt) return message.sequence
  }
  throw lacking(reading, 0)
}

/**
 * The messages of one subject up to the manifest, ending with the last one that is there. One subject at a time: of
 * several, a broker finds the next in a compressed stream only slowly.
 */
async function* messagesOf(
  { connection, signal, snapshot }: LogReading,
  subject: string,
  from: StreamSequence,
): AsyncGenerator<LogMessage> {
  const last = await lastMessage(await connection.jetstreamManager(), snapshot.stream, subject)
  if (last === null || last.seq < from) return
  let idle = 0
  const options = { from, subjects: [subject], ...(signal ? { signal } : {}) }
  for await (const item of readLog(connection, snapshot.stream, options)) {
    idle = item.kind === 'idle' ? idle + 1 : 0
    if (idle > MAX_IDLE_READS) return
    if (item.kind === 'idle') continue
    if (item.sequence > snapshot.manifestSequence) return
    yield item
    if (item.sequence >= last.seq) return
  }
  signal?.throwIfAborted()
}

/** The payload of a page; null for a part whose page is not whole yet. */
function wholePayload(parts: PartAssembler, { sequence, payload }: LogMessage): Uint8Array | null {
  if (messageKind(payload) !== 'part') return payload
  const part = decodeMessage(payload)
  return part.kind === 'part' ? parts.accept(sequence, part) : null
}

export function lacking({ entity, snapshot, totals }: LogReading, found: number): Failure {
  return new Failure(
    4,
    `Stream ${snapshot.stream} holds ${found} of the ${totals.pages} pages of ${entity.name}: messages were removed from the log, which must stay whole; put the stream back from a copy, or publish --new-epoch.`,
  )
}
