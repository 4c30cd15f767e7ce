import type { Client } from 'pg'
import { insertRows } from './insert-rows.ts'
import type { Random } from './random.ts'

/** Beyond a message's default limit of 1,048,576 bytes, so that these rows travel in parts. */
const LARGE_TEXT_BYTES = 3_000_000
const LARGE_BYTEA_BYTES = 2_000_000

/** Fills the tables that are odd by what their rows are: one, none but nulls, large ones. */
export async function fillOddTables(client: Client, random: Random, rows: number): Promise<void> {
  await insertRows(client, 'public.one_row', ['id', 'name'], [['-1', null]])
  await insertRows(client, 'public.nulls', ['id'], numbered(rows))
  await insertRows(client, 'public.large', ['id', 'text', 'bytea', 'jsonb'], largeRows(random))
  // Some hundred bytes each, so that they fill several pages of the table.
  const churned = numbered(rows * 10).map(([id]) => [id, '0', id.padStart(300, 'filler ')])
  await insertRows(client, 'public.churned', ['id', 'counter', 'filler'], churned)
}

function numbered(count: number): [id: string][] {
  return Array.from({ length: count }, (_, place) => [String(place + 1)])
}

/** Texts and bytes that do not compress and one that does, and some just at and around a mebibyte. */
function largeRows(random: Random): (string | null)[][] {
  const mebibyte = 2 ** 20
  return [
    ['1', `${incompressible(random, LARGE_TEXT_BYTES - 10).toString('latin1')}é😀\\N\t\n`, null, null],
    ['2', null, hexText(incompressible(random, LARGE_BYTEA_BYTES)), null],
    ['3', 'a'.repeat(LARGE_TEXT_BYTES), '\\x', JSON.stringify({ long: 'é'.repeat(150_000) })],
    ['4', null, null, null],
    ['5', '', '\\x', '""'],
    ...[-1, 0, 1].map((more, place) => [
      String(place + 6),
      'é'.repeat(mebibyte / 2).slice(1) + 'x'.repeat(2 + more),
      null,
      null,
    ]),
  ]
}

/** Printable ASCII, so that the same bytes are a text too; never a backslash or a quote, which would double. */
function incompressible(random: Random, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  for (let place = 0; place < bytes; place += 1) buffer[place] = 0x23 + random(0x38)
  return buffer
}

function hexText(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`
}
