import { type Lsn, parseLsn } from '../../contracts/positions.ts'
import type { ChangeMessage, ChangeRun } from '../../contracts/wire/message.ts'

/** A point in a log at which something is to be done when all before it is applied. */
export interface LogStop {
  /** Whether the reading ends there. */
  readonly isEnd: boolean
  marker(name: string, lsn: string): Promise<void>
  /** Splits a message at the point; null where the point is not in it, nor before it. */
  split(message: ChangeMessage): SplitMessage | null
  /** All before the point was taken. */
  show(): Promise<void>
}

export interface SplitMessage {
  readonly before: readonly ChangeRun[]
  readonly after: readonly ChangeRun[]
}

/** Ends a reading with the last transaction whose commit begins before a position: of what is behind it nothing is applied. */
export class PositionStop implements LogStop {
  readonly isEnd = true
  readonly #position: Lsn | null

  /** @param position null where it ends nowhere. */
  constructor(position: Lsn | null) {
    this.#position = position
  }

  async marker(): Promise<void> {
    // A position needs none.
  }

  split({ runs }: ChangeMessage): SplitMessage | null {
    const position = this.#position
    if (position === null) return null
    const at = runs.findIndex(({ lsn }) => parseLsn(lsn) >= position)
    return at < 0 ? null : { before: runs.slice(0, at), after: runs.slice(at) }
  }

  async show(): Promise<void> {
    // Whoever reads on drains what was taken.
  }
}
