import type { ColumnRun } from './apply-columns.ts'
import type { RowChange } from './row-change.ts'

/** A part of a message that is to be applied: one transaction's changes, or some of them. */
export interface Piece {
  readonly lsn: string
  readonly last: boolean
  /** Where there are columns as well, these are read when they are asked for. */
  readonly changes: readonly RowChange[]
  /** The same changes, where they are many of one kind. */
  readonly columns?: ColumnRun
}

export interface Gathered {
  readonly pieces: readonly Piece[]
  readonly bytes: number
  readonly sequences: readonly number[]
}

/** What is applied together. */
export interface Batch {
  readonly pieces: readonly Piece[]
  readonly changes: number
  readonly transactions: number
  /** That of the last whole transaction; null where none is whole. */
  readonly position: string | null
  /** Messages of which nothing is left. */
  readonly sequences: readonly number[]
  readonly isWhole: boolean
  readonly rest: Gathered[]
}

/**
 * What of the waiting messages ends with a transaction's end, or else the first of which nothing is to be applied; and what is left;
 * null where neither is there.
 */
export function wholePart(gathered: readonly Gathered[]): Batch | null {
  const toApply = gathered.findIndex(({ pieces }) => pieces.length > 0)
  const lastDone = (toApply === -1 ? gathered.length : toApply) - 1
  const lastEnd = gathered.findLastIndex(({ pieces }) => pieces.some(({ last }) => last))
  const at = Math.max(lastDone, lastEnd)
  const message = gathered[at]
  if (message === undefined) return null
  const end = message.pieces.findLastIndex(({ last }) => last) + 1
  const left = message.pieces.slice(end)
  const split = {
    ...message,
    pieces: message.pieces.slice(0, end),
    sequences: left.length > 0 ? [] : message.sequences,
  }
  const kept = left.length > 0 ? [{ ...message, pieces: left }] : []
  return { ...batchOf([...gathered.slice(0, at), split]), isWhole: true, rest: [...kept, ...gathered.slice(at + 1)] }
}

/**
 * What of the waiting messages is behind the first so many changes, to the end of their transaction: the others are left
 * for later batches.
 */
export function firstChanges(
  gathered: readonly Gathered[],
  most: number,
): { readonly first: readonly Gathered[]; readonly later: readonly Gathered[] } {
  let count = 0
  for (const [index, message] of gathered.entries())
    for (const [place, piece] of message.pieces.entries()) {
      count += countOf(piece)
      if (count < most || !piece.last) continue
      const [own, left] = [message.pieces.slice(0, place + 1), message.pieces.slice(place + 1)]
      const before = gathered.slice(0, index)
      const behind = gathered.slice(index + 1)
      if (left.length === 0) return { first: [...before, message], later: behind }
      const [some, rest] = [
        { ...message, pieces: own, sequences: [] },
        { ...message, pieces: left },
      ]
      return { first: [...before, some], later: [rest, ...behind] }
    }
  return { first: gathered, later: [] }
}

/** So long a batch is to take at the most: as much is made again where it is broken off, and until its end nothing shows. */
const BATCH_MS = 5_000

/** How many changes the next batch is to have, by what the last one took: a database may take ten rows a second. */
export function nextChanges(changes: number, tookMs: number): number {
  return Math.max(1, Math.floor((BATCH_MS * changes) / Math.max(1, tookMs)))
}

/** All of these messages. */
export function batchOf(gathered: readonly Gathered[]): Omit<Batch, 'isWhole' | 'rest'> {
  const pieces = gathered.flatMap((message) => message.pieces)
  return {
    pieces,
    changes: pieces.reduce((sum, piece) => sum + countOf(piece), 0),
    transactions: pieces.filter(({ last }) => last).length,
    position: pieces.findLast(({ last }) => last)?.lsn ?? null,
    sequences: gathered.flatMap(({ sequences }) => sequences),
  }
}

function countOf({ changes, columns }: Piece): number {
  return columns?.count ?? changes.length
}

export function changesOf(pieces: readonly Piece[]): RowChange[] {
  return pieces.flatMap(({ changes }) => changes)
}

/** Each transaction as a batch of its own, which tells of no message. */
export function transactionsOf(pieces: readonly Piece[]): Batch[] {
  const batches: Batch[] = []
  let from = 0
  for (const [index, { last }] of pieces.entries()) {
    if (!last) continue
    const own = pieces.slice(from, index + 1)
    batches.push({ ...batchOf([{ pieces: own, bytes: 0, sequences: [] }]), isWhole: true, rest: [] })
    from = index + 1
  }
  return batches
}
