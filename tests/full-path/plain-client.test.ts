import { decode, ExtensionCodec } from '@msgpack/msgpack'
import { connect } from 'nats'
import { createHash } from 'node:crypto'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import set from '../../contracts/archimodeler/contract-set.ts'
import { generateMonolith } from '../../infra/demo/monolith/generate-monolith.ts'
import { withDatabase } from '../with-servers.ts'
import { splitAndCompare, withSplit } from './split.ts'

/*
 * What reads the log here is what docs/wire-format.md says and nothing of Scission: a NATS client and a msgpack decoder.
 */

type Value = null | boolean | number | string | Uint8Array

interface Column {
  readonly name: string
  readonly wire: 'boolean' | 'integer' | 'float' | 'binary' | 'text'
}

interface Shape {
  readonly entity: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly Column[]
  readonly key: readonly string[]
}

interface Message {
  readonly v: number
  readonly kind: 'page' | 'part' | 'control'
  readonly control?: string
  readonly entity: string
  readonly epoch: number
  readonly attempt: number
  readonly chunk: number
  readonly page: number
  readonly hash: string
  readonly shape: string | Shape
  readonly rows: readonly Value[][]
  readonly id: string
  readonly index: number
  readonly count: number
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

const extensionCodec = new ExtensionCodec()
extensionCodec.register({ type: 3, encode: () => null, decode: uuidText })

function uuidText(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes).toString('hex')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

interface Reading {
  readonly shapes: Map<string, Shape>
  /** Pages of each entity's last attempt, by their identity. */
  readonly pages: Map<string, Map<string, Message>>
}

async function readStream(server: URL, stream: string): Promise<Reading> {
  const connection = await connect({ servers: server.host, user: server.username, pass: server.password })
  try {
    const consumer = await connection.jetstream().consumers.get(stream)
    const left = (await consumer.info()).num_pending
    const reading: Reading = { shapes: new Map(), pages: new Map() }
    const parts = new Map<string, Message[]>()
    for await (const { data } of await consumer.fetch({ max_messages: left, expires: 5_000 })) {
      const message = wholeMessage(parts, decode(data, { extensionCodec }) as Message)
      if (message !== null) take(reading, message)
    }
    return reading
  } finally {
    await connection.close()
  }
}

/** Parts are joined by their index, and checked by their digest. */
function wholeMessage(parts: Map<string, Message[]>, message: Message): Message | null {
  if (message.kind !== 'part') return message
  const known = [...(parts.get(message.id) ?? []), message]
  parts.set(message.id, known)
  if (known.length < message.count) return null
  const whole = Buffer.concat(known.toSorted((left, right) => left.index - right.index).map(({ bytes }) => bytes))
  assert.equal(createHash('sha256').update(whole).digest(), Buffer.from(message.digest))
  return decode(whole, { extensionCodec }) as Message
}

function take({ shapes, pages }: Reading, message: Message): void {
  if (message.control === 'contract') shapes.set(message.hash, message.shape as Shape)
  if (message.control === 'attempt') pages.set(message.entity, new Map())
  if (message.kind === 'page') pages.get(message.entity)?.set(`${message.chunk}/${message.page}`, message)
}

/** A value as PostgreSQL's text, from which it was made. */
function textOf(value: Value, wire: Column['wire']): string | null {
  if (value === null) return null
  if (wire === 'boolean') return value === true ? 't' : 'f'
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (Object.is(value, -0)) return '-0'
  return String(value)
}

/** A float's text is not one: `1e+06` and `1000000` are the same double. And long texts lose a leading U+FEFF here. */
function comparable(text: string | null, wire: Column['wire']): string | null {
  if (text === null) return null
  if (wire === 'float') return textOf(Number(text), wire)
  return wire === 'text' && Buffer.byteLength(text) > 200 ? text.replace(/^\uFEFF/, '') : text
}

async function compareWithMonolith(monolith: pg.Client, shape: Shape, pages: Iterable<Message>): Promise<number> {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const read = [...pages].flatMap(({ rows }) =>
    rows.map((row) => row.map((value, index) => textOf(value, shape.columns[index]?.wire ?? 'text'))),
  )
  const { rows: expected } = await monolith.query<(string | null)[]>({
    text: `SELECT ${shape.columns.map(({ name }) => quoted(name)).join(', ')} FROM ${quoted(shape.schema)}.${quoted(shape.table)}`,
    rowMode: 'array',
  })
  const sorted = (rows: readonly (string | null)[][]): string[] =>
    rows
      .map((row) => JSON.stringify(row.map((text, index) => comparable(text, shape.columns[index]?.wire ?? 'text'))))
      .toSorted()
  assert.equal(sorted(read), sorted(expected), shape.entity)
  return read.length
}

test('a stranger with a NATS client and a msgpack decoder reads every row of the log as the monolith has it', async () => {
  await withDatabase(async (url) => {
    await generateMonolith(url, { elements: 100, seed: 2 })
    await withSplit(set, url, async (split) => {
      await splitAndCompare(split)
      const options = '-c TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=3'
      const types = { getTypeParser: () => (value: unknown) => value }
      const monolith = new pg.Client({ connectionString: url, options, types })
      await monolith.connect()
      try {
        let rows = 0
        for (const { service } of split.services) {
          const stream = `${split.prefix}_${service.name}`.toUpperCase()
          const { shapes, pages } = await readStream(new URL(split.nats.url), stream)
          for (const shape of shapes.values())
            rows += await compareWithMonolith(monolith, shape, (pages.get(shape.entity) ?? new Map()).values())
        }
        assert.ok(rows > 1_000)
      } finally {
        await monolith.end()
      }
    })
  })
})

test.run()
