import { type PageFrame, pageFrameOf } from './check-message.ts'
import type { RowCursor } from './copy-field.ts'
import { NO_BYTES, roomForRow, type RowPlan, rowPlan, transcodeRow } from './copy-row.ts'
import { encodePageFrame } from './encode-message.ts'
import { MessageFields } from './message-fields.ts'
import { type ShapeColumn, WIRE_VERSION } from './message.ts'
import { arrayHeader } from './msgpack-headers.ts'
import { PageMemory } from './page-memory.ts'

export interface PageWriterOptions {
  readonly columns: readonly ShapeColumn[]
  readonly header: Pick<PageFrame, 'epoch' | 'entity' | 'shape' | 'attempt'>
  /** A page closes with the row that brings it to this size. */
  readonly targetBytes: number
  /** No page of several rows passes this size; a single row may, and then travels in parts. */
  readonly limitBytes: number
  /** Shared with other writers of the same target, and given back what it lent; one of this writer's own by default. */
  readonly memory?: PageMemory
}

export interface FinishedPage {
  /** Nothing is written to it any more: it may be held while it is in flight. */
  readonly payload: Uint8Array
  readonly rows: number
  readonly firstCtid: string
  readonly lastCtid: string
  readonly chunk: number
  readonly page: number
}

/** Turns the rows of `COPY (SELECT ctid, columns…) TO STDOUT` into pages, with no string or object made for a value. */
export interface PageWriter {
  /** Begins a chunk, or goes on behind its pages before `page`; the one before must be finished. */
  startChunk(chunk: number, page?: number): void
  /**
   * Adds the row from `from` to its newline at `to`; it is copied. Returns the page that it closes, if it closes one. Which rows
   * share a page follows from the rows and the options alone, so that a chunk that is read again makes the same pages.
   * @throws WireError where the row does not fit the columns; the writer cannot be used any more.
   */
  addRow(bytes: Buffer, from?: number, to?: number): FinishedPage | null
  /** Closes the chunk's last page; null where every row is in a page already. */
  finish(): FinishedPage | null
}

/** The longest: `(4294967295,65535)`. */
const CTID_BYTES = 18
const LARGEST_CTID = '(4294967295,65535)'
const LARGEST_ARRAY_HEADER_BYTES = 5

export function createPageWriter(options: PageWriterOptions): PageWriter {
  if (options.targetBytes > options.limitBytes)
    throw new RangeError(`A page's target of ${options.targetBytes} bytes is beyond its limit of ${options.limitBytes}`)
  return new CopyPageWriter(options)
}

class CopyPageWriter implements PageWriter {
  readonly #options: PageWriterOptions
  readonly #plan: RowPlan
  /** Rows begin here, behind room for the largest frame, which is written before them when all of it is known. */
  readonly #rowsAt: number
  readonly #memory: PageMemory
  /** A page is begun in it, and ends in it where its rows are of an ordinary size. */
  #buffer: Buffer
  readonly #cursor: RowCursor
  readonly #lastCtid = Buffer.alloc(CTID_BYTES)
  #lastCtidBytes = 0
  #firstCtid = ''
  #rows = 0
  #page = 0
  #chunk = -1

  constructor(options: PageWriterOptions) {
    this.#options = options
    this.#plan = rowPlan(options.columns)
    this.#rowsAt = largestFrameBytes(options.header)
    this.#memory = options.memory ?? new PageMemory(options.targetBytes)
    this.#buffer = this.#memory.take()
    this.#cursor = {
      entity: options.header.entity,
      bytes: NO_BYTES,
      start: 0,
      end: 0,
      read: 0,
      page: this.#buffer,
      written: this.#rowsAt,
      backslash: -1,
      column: null,
    }
  }

  startChunk(chunk: number, page = 0): void {
    if (this.#rows > 0) throw new Error(`Chunk ${this.#chunk} was not finished`)
    this.#chunk = chunk
    this.#page = page
  }

  addRow(bytes: Buffer, from = 0, to = bytes.length): FinishedPage | null {
    // Full already where the row before closed another page, since one call returns one page.
    const full = this.#isFull() ? this.#close() : null
    this.#makeRoom(roomForRow(bytes, from, to, this.#plan))
    const start = this.#cursor.written
    const ctidBytes = transcodeRow(this.#cursor, bytes, from, to, this.#plan)
    const passesLimit = this.#rows > 0 && this.#cursor.written > this.#options.limitBytes
    const cut = passesLimit ? this.#closeBefore(start) : null
    this.#count(bytes, from, ctidBytes)
    return full ?? cut ?? (this.#isFull() ? this.#close() : null)
  }

  finish(): FinishedPage | null {
    return this.#rows > 0 ? this.#close() : null
  }

  #isFull(): boolean {
    return this.#rows > 0 && this.#cursor.written >= this.#options.targetBytes
  }

  /** A row that does not fit gets a buffer of the size that it needs, which is let go with its page. */
  #makeRoom(room: number): void {
    const { page, written } = this.#cursor
    const needed = written + room
    if (needed <= page.length) return
    const larger = Buffer.allocUnsafeSlow(needed)
    page.copy(larger, this.#rowsAt, this.#rowsAt, written)
    this.#cursor.page = larger
  }

  #count(bytes: Buffer, from: number, ctidBytes: number): void {
    // A loop, since a native copy of so few bytes costs more than all else that is done for a row here.
    for (let index = 0; index < ctidBytes; index++) this.#lastCtid[index] = bytes[from + index] as number // Within the row.
    this.#lastCtidBytes = ctidBytes
    if (this.#rows === 0) this.#firstCtid = this.#lastCtidText()
    this.#rows += 1
  }

  #lastCtidText(): string {
    return this.#lastCtid.toString('latin1', 0, this.#lastCtidBytes)
  }

  /** Closes the page without the row that begins at `start`: the next page begins with it. */
  #closeBefore(start: number): FinishedPage {
    const { page, written } = this.#cursor
    const finished = this.#finished(copied(page, start))
    page.copyWithin(this.#rowsAt, start, written)
    this.#cursor.written = this.#rowsAt + written - start
    return finished
  }

  #close(): FinishedPage {
    const { page, written } = this.#cursor
    // Handed over as it is, so that a row of 64 MB is in memory once and not twice; a small page would hold too much.
    const handedOver = written >= page.length / 2
    if (handedOver && page === this.#buffer) this.#buffer = this.#memory.take()
    this.#cursor.page = this.#buffer
    this.#cursor.written = this.#rowsAt
    return this.#finished(handedOver ? page.subarray(0, written) : copied(page, written))
  }

  /** @param bytes the page's rows behind the room for its frame. */
  #finished(bytes: Buffer): FinishedPage {
    const place = { chunk: this.#chunk, page: this.#page, firstCtid: this.#firstCtid, lastCtid: this.#lastCtidText() }
    const frame = frameBytes({ v: WIRE_VERSION, kind: 'page', ...this.#options.header, ...place }, this.#rows)
    const payload = bytes.subarray(this.#rowsAt - frame.length)
    payload.set(frame)
    const finished = { payload, rows: this.#rows, ...place }
    this.#rows = 0
    this.#page += 1
    return finished
  }
}

function copied(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(byteLength)
  bytes.copy(copy, 0, 0, byteLength)
  return copy
}

function frameBytes(frame: PageFrame, rows: number): Uint8Array {
  return Buffer.concat([encodePageFrame(pageFrameOf(new MessageFields(frame, 'A page'))), arrayHeader(rows)])
}

/**
 * Every page's size is reckoned with it, so that the split does not depend on how many digits a place has; the pages
 * are a few bytes smaller.
 */
function largestFrameBytes(header: PageWriterOptions['header']): number {
  const largest = { chunk: Number.MAX_SAFE_INTEGER, page: Number.MAX_SAFE_INTEGER }
  const ctids = { firstCtid: LARGEST_CTID, lastCtid: LARGEST_CTID }
  const frame = encodePageFrame({ v: WIRE_VERSION, kind: 'page', ...header, ...largest, ...ctids })
  return frame.length + LARGEST_ARRAY_HEADER_BYTES
}
