const NEWLINE = 0x0a

/** Takes the chunks of `COPY … TO STDOUT` as they come, wherever they are cut. */
export interface RowSplitter {
  push(chunk: Uint8Array): void
  /** @throws Error where the stream ended within a row. */
  end(): void
}

/** What a row may need that begins in one chunk and ends in the next. */
const FIRST_BYTES = 64 * 1024

/**
 * Steps are large, so that what is left behind when a buffer grows is little beside it, and its copies are too. Memory
 * that is reserved and not written to is not taken from the system.
 */
const GROWTH = 8

/** PostgreSQL makes no row of COPY text beyond 1 GiB. Manual: "Limits". */
const MAX_ROW_BYTES = 1024 * 1024 * 1024 + FIRST_BYTES

/**
 * Is given a row: the bytes from `from` up to its newline at `to`, valid until it returns. There is no object made for a
 * row, since there are millions.
 */
export type RowReceiver = (bytes: Buffer, from: number, to: number) => void

/**
 * Splits a stream of COPY text into rows: COPY escapes newlines within values, so that each newline ends a row. Only rows
 * that are cut by a chunk's end are copied. Manual: COPY, "Text Format".
 */
export function createRowSplitter(onRow: RowReceiver): RowSplitter {
  const carried = new CarriedRow()
  return {
    push(chunk) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      let start = 0
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        if (carried.isEmpty()) onRow(bytes, start, end)
        else carried.take(bytes.subarray(start, end + 1), onRow)
        start = end + 1
      }
      carried.add(bytes.subarray(start))
    },
    end() {
      if (!carried.isEmpty()) throw new Error('The COPY stream ended within a row')
    },
  }
}

/** The beginning of a row whose end has not come yet. */
class CarriedRow {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #length = 0

  isEmpty(): boolean {
    return this.#length === 0
  }

  add(bytes: Buffer): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#grow(this.#length + bytes.length)
    this.#length += bytes.copy(this.#buffer, this.#length)
  }

  /** Hands on the whole row, whose last bytes and newline are `tail`; a buffer that has grown is let go with it. */
  take(tail: Buffer, onRow: RowReceiver): void {
    this.add(tail)
    const [row, end] = [this.#buffer, this.#length - 1]
    this.#length = 0
    if (row.length > FIRST_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    onRow(row, 0, end)
  }

  #grow(needed: number): void {
    if (needed > MAX_ROW_BYTES) throw new Error(`A row of COPY text passes ${MAX_ROW_BYTES} bytes`)
    let size = this.#buffer.length
    while (size < needed) size *= GROWTH
    const larger = Buffer.allocUnsafeSlow(Math.min(size, MAX_ROW_BYTES))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
