/** The highest stream sequence up to which every message is applied, while several are applied at once. */
export interface Watermark {
  /** A message was read; it is applied when `applied` is called for its sequence. */
  began(sequence: number): void
  applied(sequence: number): void
  /** 0 before the first message. */
  current(): number
}

/** @param start the sequence up to which everything is applied already. */
export function createWatermark(start: number): Watermark {
  let highestRead = start
  const pending = new Set<number>()
  return {
    began(sequence) {
      highestRead = sequence
      pending.add(sequence)
    },
    applied(sequence) {
      pending.delete(sequence)
    },
    current() {
      // Sequences are added in ascending order and a Set keeps it, so the first is the lowest.
      const [lowest] = pending
      return lowest === undefined ? highestRead : lowest - 1
    },
  }
}
