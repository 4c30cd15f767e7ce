import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { quoteIdentifier } from '../../../contracts/language/quoting.ts'
import { copyLine } from './copy-text.ts'
import type { TableRows, World } from './world.ts'

/** Large enough that a buffer's cost is nothing to its rows', small enough that memory stays flat. */
const BUFFER_CHARACTERS = 256 * 1024

/**
 * Makes a table's rows and stores them. The table must have been created in the open transaction: its rows are frozen
 * as they are stored, so that no later reader writes to it. Manual: "COPY", option FREEZE.
 * @param report is told the rows stored so far, once for each buffer.
 * @returns the bytes of the rows' COPY text.
 */
export async function copyRows(
  client: Client,
  table: TableRows,
  world: World,
  report: (rows: number) => void,
): Promise<number> {
  const columns = table.columns.map(quoteIdentifier).join(', ')
  let bytes = 0
  const buffers = function* () {
    for (const { buffer, rows } of buffersOf(table, world)) {
      bytes += buffer.length
      yield buffer
      report(rows)
    }
  }
  const copy = client.query(copyFrom(`COPY ${quoteIdentifier(table.name)} (${columns}) FROM STDIN WITH (FREEZE)`))
  await pipeline(Readable.from(buffers()), copy)
  return bytes
}

function* buffersOf(table: TableRows, world: World): Generator<{ buffer: Buffer; rows: number }> {
  const row = table.rows(world)
  const total = world.sizes[table.name]
  let text = ''
  for (let ordinal = 0; ordinal < total; ordinal += 1) {
    text += copyLine(row(ordinal))
    if (text.length < BUFFER_CHARACTERS && ordinal + 1 < total) continue
    yield { buffer: Buffer.from(text), rows: ordinal + 1 }
    text = ''
  }
}
