import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import { bytea, integer, text } from '../../contracts/language/types.ts'
import { parseStreamSequence } from '../../contracts/positions.ts'
import { streamName } from '../../contracts/subjects.ts'
import { decodeMessage } from '../../contracts/wire/decode-message.ts'
import { encodePage } from '../../contracts/wire/encode-message.ts'
import { HEADER_RESERVE_BYTES } from '../../contracts/wire/headers.ts'
import { shapeHash, shapeOf } from '../../contracts/wire/shape.ts'
import { withNats } from '../../infra/nats/connect.ts'
import { readLog } from '../../infra/nats/read-log.ts'
import { withSession } from '../../infra/postgres/session.ts'
import * as ddl from '../../infra/service-database/ddl.ts'
import { withDatabase } from '../with-servers.ts'
import { type Split, splitAndCompare, withSplit } from './split.ts'

const MAX_PAYLOAD_BYTES = 1_048_576
const MEBIBYTE = 1024 * 1024

const set = contractSet('large', {
  services: {
    files: service({
      File: entity({ id: integer(), content: text(), bytes: bytea().nullable() }, { key: ['id'] }),
    }),
  },
})
const files = set.services[0]
const file = files?.entities[0]
if (files === undefined || file === undefined) throw new Error('The set has one entity')

/** The bytes of a page that holds one row of so many characters. */
function pageBytes(characters: number): number {
  const shape = shapeOf(file as NonNullable<typeof file>) // Seen above.
  const place = { attempt: 1, chunk: 0, page: 1, firstCtid: '(0,1)', lastCtid: '(0,1)' }
  const frame = { v: 1, kind: 'page', epoch: 1, entity: shape.entity, shape: shapeHash(shape), ...place } as const
  return encodePage({ ...frame, rows: [[1, 'x'.repeat(characters), null]] }, shape.columns).length
}

async function withFiles(rows: readonly string[], use: (split: Split) => Promise<void>): Promise<void> {
  await withDatabase(async (url) => {
    const target = { title: 'the monolith', variable: 'MONOLITH_DATABASE_URL', url }
    await withSession(target, { purpose: 'test' }, async (client) => {
      await client.query(ddl.createTableSql(file as NonNullable<typeof file>)) // Seen above.
      await client.query('ALTER TABLE public."File" ADD PRIMARY KEY (id)')
      for (const [index, row] of rows.entries())
        await client.query(`INSERT INTO public."File" SELECT ${index + 1}, ${row}`)
    })
    await withSplit(set, url, use)
  })
}

/** Payload bytes of the pages that travelled whole, and how many parts there were. */
async function readMessages({ nats, prefix }: Split): Promise<{ whole: number[]; parts: number }> {
  return await withNats(nats, 'test', async (connection) => {
    const whole: number[] = []
    let parts = 0
    for await (const item of readLog(connection, streamName(prefix, 'files'), { from: parseStreamSequence(1) })) {
      if (item.kind === 'idle') return { whole, parts }
      const { kind } = decodeMessage(item.payload)
      assert.ok(item.payload.length <= MAX_PAYLOAD_BYTES)
      if (kind === 'page') whole.push(item.payload.length)
      parts += kind === 'part' ? 1 : 0
    }
    throw new Error('The log ended')
  })
}

test('rows whose message is one byte below, at, and one byte above what the broker takes arrive equal', async () => {
  const overhead = pageBytes(MEBIBYTE) - MEBIBYTE
  const limits = [MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES - HEADER_RESERVE_BYTES]
  const lengths = limits.flatMap((limit) => [-1, 0, 1].map((beside) => limit - overhead + beside))
  await withFiles(
    lengths.map((length) => `repeat('x', ${length}), null`),
    async (split) => {
      await splitAndCompare(split)
      const { whole, parts } = await readMessages(split)
      const limit = MAX_PAYLOAD_BYTES - HEADER_RESERVE_BYTES
      assert.equal(
        whole.toSorted((left, right) => left - right),
        [limit - 1, limit],
      )
      assert.is(parts, 2 * 4)
    },
  )
})

test('rows of 5 MB, of tabs and backslashes and of bytes, travel in parts and arrive equal', async () => {
  await withFiles(
    [
      `repeat(md5('a'), 5 * 1024 * 32), null`,
      `repeat(E'\\t\\\\\\n\\r', 1024 * 1024), null`,
      `'', decode(repeat('00ff5c', 1024 * 1024), 'hex')`,
      `'', ''`,
      `repeat('😀é', 700000), null`,
    ],
    async (split) => {
      const [outcome] = await splitAndCompare(split)
      assert.is(outcome?.rows, 5)
    },
  )
})

test('a row of 64 MB travels and arrives equal', async () => {
  await withFiles([`repeat(md5('a'), 64 * 1024 * 32), null`, `'small', null`], async (split) => {
    const [outcome] = await splitAndCompare(split)
    assert.is(outcome?.rows, 2)
    assert.ok((outcome?.loadedBytes ?? 0) > 64 * MEBIBYTE)
  })
})

test.run()
