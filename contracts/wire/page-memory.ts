/** Room behind the target for the row that passes it, so that pages of ordinary rows need no memory of their own. */
const SLACK_BYTES = 64 * 1024

/**
 * The memory that pages are written in, taken back when nobody reads them any more: memory that is new to a process costs
 * about as much as what is written in it. Who never gives any back has it collected.
 */
export class PageMemory {
  readonly #byteLength: number
  readonly #free: Buffer[] = []

  /** @param targetBytes the size with which an ordinary page closes. */
  constructor(targetBytes: number) {
    this.#byteLength = targetBytes + SLACK_BYTES
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#byteLength)
  }

  /** Takes a page's memory back; once, and when its last reader is done. What did not come from here is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#byteLength) this.#free.push(Buffer.from(buffer))
  }
}
