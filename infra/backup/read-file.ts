import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Transform, type TransformCallback, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

/** What reading a file of the dump back has shown. */
export interface ReadFile {
  readonly bytes: number
  readonly sha256: string
  /** The rows of COPY text in it; null where it holds none, or not to its end. */
  readonly rows: number | null
}

const LINE_END = 0x0a
const READ_BYTES = 256 * 1024

/**
 * Reads a file of the dump from its first byte to its last. A compressed one is decompressed, which checks its own sum.
 * @throws Error of zlib's where what is compressed is damaged.
 */
export async function readDumpFile(file: string, signal?: AbortSignal): Promise<ReadFile> {
  const hash = createHash('sha256')
  const counter = rowCounter()
  let bytes = 0
  const seen = new Transform({
    transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      counter.add(chunk)
      done()
    },
  })
  const source = createReadStream(file, { highWaterMark: READ_BYTES })
  const options = signal === undefined ? {} : { signal }
  if (file.endsWith('.gz')) await pipeline(source, seen, createGunzip({ chunkSize: READ_BYTES }), sink, options)
  else await pipeline(source, seen, sink, options)
  return { bytes, sha256: hash.digest('hex'), rows: counter.rows() }
}

/** What ends the rows of a table in a dump, empty lines behind it included. */
const END = /(^|\n)\\\.\n(\n*)$/
const LONGEST_END = 16

/** Counts the rows of COPY text by their ends of line: a line break in a value is written as `\n`. */
export function rowCounter(): { readonly add: (chunk: Buffer) => void; readonly rows: () => number | null } {
  let lines = 0
  let tail: Buffer = Buffer.alloc(0)
  return {
    add: (chunk) => {
      for (let at = chunk.indexOf(LINE_END); at >= 0; at = chunk.indexOf(LINE_END, at + 1)) lines += 1
      const end = chunk.length < LONGEST_END ? Buffer.concat([tail, chunk]) : chunk
      tail = Buffer.from(end.subarray(-LONGEST_END))
    },
    rows: () => {
      const end = END.exec(tail.toString('latin1'))
      return end === null ? null : lines - 1 - (end[2]?.length ?? 0)
    },
  }
}
