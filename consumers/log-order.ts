import { Failure } from '../contracts/failure.ts'

/** What the order check needs of a message. */
export interface Numbered {
  readonly sequence: number
  readonly epoch: number
  readonly number: number
}

/**
 * Whether a message may follow the one before it: the next number of the same epoch, or the first of a later one. The
 * stream's own sequences prove less, since a purge renumbers nothing and a restored stream counts on.
 * @param previous null where an epoch is to begin.
 * @throws Failure 4 for a gap, a message that is not Scission's, or a log that goes back.
 */
export function assertFollows(stream: string, previous: Numbered | null, next: Numbered): void {
  if (!isNumber(next.epoch) || !isNumber(next.number))
    throw new Failure(
      4,
      `Message ${next.sequence} of stream ${stream} was not written by Scission: find out who else writes to it, and begin a new epoch with publish --new-epoch.`,
    )
  if (follows(previous, next)) return
  const place = previous === null ? 'at its beginning' : `after number ${previous.number} of epoch ${previous.epoch}`
  throw new Failure(
    4,
    `Stream ${stream} has a gap: message ${next.sequence} is number ${next.number} of epoch ${next.epoch}, ${place}; put the stream back from a copy, or begin a new epoch with publish --new-epoch.`,
  )
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1
}

function follows(previous: Numbered | null, next: Numbered): boolean {
  if (previous === null || next.epoch > previous.epoch) return next.number === 1
  return next.epoch === previous.epoch && next.number === previous.number + 1
}
