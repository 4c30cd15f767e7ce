import type pg from 'pg'
import { digestFromSums, digestText } from '../../contracts/digest.ts'
import type { LargeObjects } from './manifest.ts'

/** Large objects are read in pieces: one may hold 4 TB, and a value in memory 1 GB. */
const PIECE_BYTES = 1_048_576

/** `INV_READ` of PostgreSQL's libpq-fs.h, and the end as `lo_lseek64` counts from it. */
const READ_MODE = 262_144
const FROM_END = 2

/**
 * Count, size and digest of the large objects that the transaction sees. A piece's hash is seeded with its object and its
 * place, so that each content belongs to its object. Manual: "Server-Side Functions" of large objects.
 */
export async function readLargeObjects(client: pg.Client): Promise<LargeObjects> {
  const hash = (seed: string): string =>
    `hashtextextended(encode(lo_get(oid, piece * ${PIECE_BYTES}, ${PIECE_BYTES}), 'hex') COLLATE "C",
       hashint8extended(piece, oid::bigint + ${seed}))`
  // An object without a byte has one empty piece. The file descriptor is closed behind the look at its size.
  const { rows } = await client.query<{ objects: string; bytes: string; rows: string; high: string; low: string }>(
    `SELECT count(*) FILTER (WHERE piece = 0) AS objects, coalesce(sum(size) FILTER (WHERE piece = 0), 0) AS bytes,
            count(*) AS rows, coalesce(sum(${hash('0')}), 0) AS high, coalesce(sum(${hash('4611686018427387904')}), 0) AS low
     FROM pg_largeobject_metadata,
          LATERAL lo_open(oid, ${READ_MODE}) AS descriptor,
          LATERAL lo_lseek64(descriptor, 0, ${FROM_END}) AS size,
          LATERAL lo_close(CASE WHEN size >= 0 THEN descriptor END) AS closed,
          LATERAL generate_series(0, greatest(size + closed - 1, 0) / ${PIECE_BYTES}) AS piece`,
  )
  const [found] = rows
  if (found === undefined) throw new Error('The digest of the large objects returned no row')
  return { objects: Number(found.objects), bytes: Number(found.bytes), digest: digestText(digestFromSums(found)) }
}
