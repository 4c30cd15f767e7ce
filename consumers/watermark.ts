/** The highest stream sequence up to which every message is applied, while several are applied at once. */
export interface Watermark {
  /** A message was read; it is applied when `applied` is called for its sequence. */
  began(sequence: number, writer: string): void
  applied(sequences: readonly number[]): void
  /** They are read again when the tables are complete, and nothing is to be done with them until then. */
  held(sequences: readonly number[]): void
  /** The sequence, and who wrote the message there. */
  current(): Mark
  /** The highest sequence up to which every message is applied or held. */
  passed(): number
}

export interface Mark {
  readonly sequence: number
  readonly writer: string
}

/** @param start the message up to which everything is applied already. */
export function createWatermark(start: Mark): Watermark {
  const pending = new Set<number>()
  const held = new Set<number>()
  /** The first sequence of each writer, the oldest that may be asked for first; a stream changes its writer seldom. */
  let writers: Mark[] = [start]
  let highestRead = start.sequence
  return {
    began(sequence, writer) {
      highestRead = sequence
      pending.add(sequence)
      if (writers.at(-1)?.writer !== writer) writers.push({ sequence, writer })
    },
    applied(sequences) {
      for (const sequence of sequences) pending.delete(sequence)
    },
    held(sequences) {
      for (const sequence of sequences) held.add(sequence)
    },
    passed() {
      // Held ones are few: behind the first of them changes are passed over.
      for (const sequence of pending) if (!held.has(sequence)) return sequence - 1
      return highestRead
    },
    current() {
      // Sequences are added in ascending order and a Set keeps it, so the first is the lowest.
      const [lowest] = pending
      const sequence = lowest === undefined ? highestRead : lowest - 1
      const known = writers.findLastIndex((mark) => mark.sequence <= sequence)
      writers = writers.slice(Math.max(0, known))
      return { sequence, writer: writers[0]?.writer ?? start.writer }
    },
  }
}
