import { Failure } from '../contracts/failure.ts'
import { snapshotSubject, streamName } from '../contracts/subjects.ts'
import { decodeMessage } from '../contracts/wire/decode-message.ts'
import { messageKind } from '../contracts/wire/message-kind.ts'
import { readPageHeader } from '../contracts/wire/page-header.ts'
import { PartAssembler } from '../contracts/wire/parts.ts'
import { MAX_CONNECTIONS } from '../infra/configuration/connections.ts'
import type { LogMessage } from '../infra/nats/read-log.ts'
import { type LogReading, readSubject } from './read-log-state.ts'
import type { StoredReading } from './stored-readings.ts'

/** The pages of a chunk that are stored: its first so many. */
export interface StoredPages {
  readonly pages: number
  readonly rows: number
  readonly bytes: number
  /** The place of their last row in the monolith's table; null where there is none. */
  readonly lastCtid: string | null
}

export const NO_PAGES: StoredPages = { pages: 0, rows: 0, bytes: 0, lastCtid: null }

export interface ReadingPlace {
  readonly service: string
  readonly entity: string
  readonly epoch: number
}

/**
 * Reads which pages the log holds of the chunks that are not closed. A chunk's pages were sent in their order by one
 * writer, so that those that are stored are its first ones.
 * @throws Failure 4 where one is missing in between.
 */
export async function readStoredPages(
  reading: LogReading,
  { service, entity, epoch }: ReadingPlace,
  stored: StoredReading,
): Promise<Map<number, StoredPages>> {
  const subject = snapshotSubject(reading.prefix, service, entity)
  const found = new Map<number, StoredPages>()
  for await (const payload of wholeMessages(readSubject(reading, service, subject, firstSequence(stored)))) {
    const { attempt, chunk, epoch: ofEpoch, lastCtid, page, rowCount } = readPageHeader(payload)
    if (ofEpoch !== epoch || attempt !== stored.attempt || stored.closed.has(chunk)) continue
    const before = found.get(chunk) ?? NO_PAGES
    if (page < before.pages) continue
    if (page > before.pages) throw holeFailure(streamName(reading.prefix, service), entity, chunk, before.pages)
    const { bytes, rows } = before
    found.set(chunk, { pages: page + 1, rows: rows + rowCount, bytes: bytes + payload.length, lastCtid })
  }
  return found
}

/**
 * From where pages of open chunks may stand: chunks are begun in their order by so many readers at most, so that all but
 * that many of those before the first open one were closed before it was begun. What is closed need not be read again.
 */
export function firstSequence({ closed, sequence }: Pick<StoredReading, 'closed' | 'sequence'>): number {
  let open = 0
  while (closed.has(open)) open += 1
  const closings = Array.from({ length: open }, (_, chunk) => closed.get(chunk)?.sequence ?? 0)
  return closings.sort((left, right) => left - right)[open - MAX_CONNECTIONS] ?? sequence
}

/** Parts are put together; those of a writer that died before it had sent all are forgotten, since the next sends them again. */
async function* wholeMessages(messages: AsyncIterable<LogMessage>): AsyncGenerator<Uint8Array> {
  let parts = new PartAssembler()
  let writer: string | null = null
  for await (const message of messages) {
    if (message.writer !== writer) parts = new PartAssembler()
    writer = message.writer
    const whole = messageKind(message.payload) === 'part' ? assembled(parts, message) : message.payload
    if (whole !== null) yield whole
  }
}

function assembled(parts: PartAssembler, { payload, sequence }: LogMessage): Uint8Array | null {
  const part = decodeMessage(payload)
  return part.kind === 'part' ? parts.accept(sequence, part) : null
}

function holeFailure(stream: string, entity: string, chunk: number, page: number): Failure {
  return new Failure(
    4,
    `Stream ${stream} does not hold page ${page} of chunk ${chunk} of ${entity}: messages were removed from the log, which must stay whole; begin anew with publish --new-epoch.`,
  )
}
