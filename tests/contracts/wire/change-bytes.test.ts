import fc from 'fast-check'
import { deepStrictEqual } from 'node:assert'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeRuns } from '../../../contracts/wire/change-run.ts'
import { decodeMessage } from '../../../contracts/wire/decode-message.ts'
import { encodeMessage } from '../../../contracts/wire/encode-message.ts'
import type { ChangeMessage, ShapeColumn, WireRow } from '../../../contracts/wire/message.ts'
import { ValueWriter } from '../../../contracts/wire/value-writer.ts'
import { WireError } from '../../../contracts/wire/wire-error.ts'
import { sqlValue } from '../../../consumers/following/sql-value.ts'
import { holds } from './holds.ts'
import { anyTable } from './sample-rows.ts'

const RUN = {
  entity: 'Thing',
  shape: '0123456789abcdef',
  lsn: '0/16B3748',
  xid: '4294967300',
  committedAt: 1_700_000_000_123_456,
  last: true,
}

function insertBytes(ordinal: number, columns: readonly ShapeColumn[], row: WireRow): Uint8Array {
  const writer = new ValueWriter()
  writer.array(3)
  writer.integer(ordinal)
  writer.text('I')
  writer.array(columns.length)
  for (const [index, { wire }] of columns.entries()) {
    const text = sqlValue(row[index] ?? null)
    if (typeof text !== 'string') writer.null()
    else {
      // Somewhere in a larger buffer, as the values of a row are.
      const bytes = Buffer.from(`x${text}y`)
      writer.value(wire, bytes, 1, bytes.length - 1)
    }
  }
  return Uint8Array.from(writer.written())
}

test("changes made of PostgreSQL's own texts are byte for byte what the reference encoder writes", () => {
  holds(
    500,
    fc.property(anyTable, ({ columns, rows }) => {
      if (rows.length === 0) return
      const changes = rows.map((row, index) => [index, 'I', row] as const)
      const message: ChangeMessage = { v: 1, kind: 'change', epoch: 3, runs: [{ ...RUN, changes }] }
      const encoded = rows.map((row, index) => insertBytes(index, columns, row))
      const bytes = encodeRuns(3, [{ ...RUN, count: rows.length, changes: encoded }])
      assert.ok(Buffer.from(encodeMessage(message, () => columns)).equals(Buffer.from(bytes)))
      deepStrictEqual(decodeMessage(bytes), message)
    }),
  )
})

for (const [wire, text] of [
  ['integer', '1.5'],
  ['integer', '-'],
  ['integer', ''],
  ['boolean', 'true'],
  ['float', '0x10'],
  ['float', ''],
  ['binary', 'abc'],
  ['binary', '\\x0'],
  ['binary', '\\x0g'],
] as const)
  test(`${JSON.stringify(text)} is no ${wire}, and is not shown`, () => {
    const bytes = Buffer.from(text)
    try {
      new ValueWriter().value(wire, bytes, 0, bytes.length)
      assert.unreachable()
    } catch (error) {
      assert.instance(error, WireError)
      assert.match(String(error), 'The server wrote no ')
    }
  })

test.run()
