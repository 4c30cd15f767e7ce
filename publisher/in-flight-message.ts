/** Is told in which sequence a message was stored. */
export type Stored = (sequence: number) => void

/** A message that a writer has sent, or sends again, and that is not known to be stored. */
export interface InFlight {
  readonly subject: string
  readonly payload: Uint8Array
  readonly number: number
  readonly sequence: number
  readonly onStored: Stored | undefined
  /** Settled when the broker has answered, or will not; never rejects. */
  settled: Promise<void>
  /** Stops waiting for the answer. */
  giveUp: (cause: unknown) => void
  /** Why it was not stored when it was sent last; null where that is not known. */
  trouble: unknown
}
