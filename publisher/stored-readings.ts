import { addDigests, type Digest, digestFromText, EMPTY_DIGEST } from '../contracts/digest.ts'
import type { AttemptControl, ChunkControl, CompleteControl, EntityTotals } from '../contracts/wire/message.ts'
import type { TableCut } from './chunk-plan.ts'

/** What a part of a table holds, or all of it. */
export interface ReadTotals {
  readonly digest: Digest
  readonly pages: number
  readonly bytes: number
}

export const NOTHING_READ: ReadTotals = { digest: EMPTY_DIGEST, pages: 0, bytes: 0 }

/** What the log holds of an entity's newest attempt, but for its pages. */
export interface StoredReading {
  readonly attempt: number
  /** Of its announcement in the stream. */
  readonly sequence: number
  readonly shape: string
  readonly snapshot: string
  readonly consistencyPoint: string
  readonly cut: TableCut
  /** The closed chunks by their number. */
  readonly closed: ReadonlyMap<number, ClosedChunk>
  /** What closed the reading; null while it is not finished. */
  readonly totals: EntityTotals | null
}

export interface ClosedChunk extends ReadTotals {
  readonly sequence: number
}

/** A control message and its place in the stream. */
export interface Stored<Message> {
  readonly sequence: number
  readonly control: Message
}

export interface StoredControls {
  readonly attempts: readonly Stored<AttemptControl>[]
  readonly chunks: readonly Stored<ChunkControl>[]
  readonly completes: readonly Stored<CompleteControl>[]
}

/** The newest reading of each entity, from the control messages of one epoch in their order. */
export function storedReadings({ attempts, chunks, completes }: StoredControls): Map<string, StoredReading> {
  const newest = new Map<string, Stored<AttemptControl>>()
  for (const stored of attempts) {
    const known = newest.get(stored.control.entity)
    if (known === undefined || stored.control.attempt > known.control.attempt) newest.set(stored.control.entity, stored)
  }
  return new Map(
    [...newest].map(([entity, { sequence, control }]) => {
      const isOfIt = ({ control: other }: Stored<ChunkControl | CompleteControl>): boolean =>
        other.entity === entity && other.attempt === control.attempt
      const { attempt, blocks, consistencyPoint, shape, snapshot } = control
      const closed = new Map(chunks.filter(isOfIt).map((chunk) => [chunk.control.chunk, closedChunk(chunk)]))
      const totals = completes.findLast(isOfIt)?.control ?? null
      const cut = { blocks, chunks: control.chunks }
      return [entity, { attempt, sequence, shape, snapshot, consistencyPoint, cut, closed, totals }]
    }),
  )
}

function closedChunk({ sequence, control }: Stored<ChunkControl>): ClosedChunk {
  return { sequence, digest: digestFromText(control), pages: control.pages, bytes: control.bytes }
}

export function addTotals(left: ReadTotals, right: ReadTotals): ReadTotals {
  return {
    digest: addDigests(left.digest, right.digest),
    pages: left.pages + right.pages,
    bytes: left.bytes + right.bytes,
  }
}
