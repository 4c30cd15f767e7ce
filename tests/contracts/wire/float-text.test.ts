import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPageWriter } from '../../../contracts/wire/copy-to-page.ts'
import { withDatabase } from '../../with-servers.ts'
import { copyTextOf } from './copy-text.ts'
import { columnsOf } from './sample-rows.ts'

const PATTERNS = 10_000

/** The edges of the range, and numbers whose shortest texts have the most digits. */
const EDGES = ['NaN', 'Infinity', '-Infinity', '0', '-0', '1', '0.1', '1e15', '123456789012345680']
const OF_FLOAT8 = [...EDGES, '5e-324', '2.2250738585072014e-308', '1.7976931348623157e308', '9007199254740993']
const OF_FLOAT4 = [...EDGES, '1e-45', '1.17549435e-38', '3.4028235e38', '16777217', '8.5899346e9']

interface FloatType {
  readonly name: 'real' | 'double precision'
  readonly bits: 32 | 64
  readonly edges: readonly string[]
}

/** PostgreSQL's texts of random bit patterns, sent through a page, against the texts of what it reads from the result. */
async function roundTrip(client: pg.Client, { name, bits, edges }: FloatType): Promise<void> {
  const read = bits === 32 ? (bytes: Buffer) => bytes.readFloatBE(0) : (bytes: Buffer) => bytes.readDoubleBE(0)
  const values = Array.from({ length: PATTERNS }, () => String(read(randomBytes(bits / 8))))
  const written = await textsOf(client, name, [...edges, ...values])
  const writer = createPageWriter({
    columns: columnsOf(['float']),
    header: { epoch: 1, entity: 'Float', shape: '0123456789abcdef', attempt: 1 },
    targetBytes: 1_000_000,
    limitBytes: 1_000_000,
  })
  writer.startChunk(0)
  for (const text of written) writer.addRow(Buffer.from(`(0,1)\t${text}`))
  const page = writer.finish()
  const sent = copyTextOf(page?.payload ?? new Uint8Array(0), columnsOf(['float'])).toString()
  assert.equal(await textsOf(client, name, sent.trimEnd().split('\n')), written)
}

async function textsOf(client: pg.Client, type: FloatType['name'], texts: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT value::${type}::text AS text FROM unnest($1::text[]) WITH ORDINALITY AS given (value, place) ORDER BY place`,
    [texts],
  )
  return rows.map(({ text }) => text)
}

for (const type of [
  { name: 'double precision', bits: 64, edges: OF_FLOAT8 },
  { name: 'real', bits: 32, edges: OF_FLOAT4 },
] as const)
  test(`any ${type.name} has the same text in PostgreSQL after its way through a page`, () =>
    withDatabase(async (url) => {
      const client = new pg.Client({ connectionString: url, options: '-c extra_float_digits=3' })
      await client.connect()
      try {
        await roundTrip(client, type)
      } finally {
        await client.end()
      }
    }))

test.run()
