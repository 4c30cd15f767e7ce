import type pg from 'pg'

/**
 * How `verify` and a running consumer meet at one point of the log. `verify` enters a request in the service's database
 * and writes a marker of its name; the consumer holds there until the request says which point it is to be, shows its
 * database as of that point by an exported snapshot, and goes on.
 */

/** What the name of a verification's markers begins with. */
const MARKER = 'verify '

/** A consumer holds for so long at most: a `verify` that died must not keep a service behind. */
export const HOLD_LIMIT_MS = 30_000

export function verificationMarker(id: string): string {
  return `${MARKER}${id}`
}

/** The verification that a marker is of; null where it is somebody else's. */
export function verificationOf(marker: string): string | null {
  return marker.startsWith(MARKER) ? marker.slice(MARKER.length) : null
}

/** Enters a request, and forgets those that nobody can wait for any more. */
export async function requestVerification(client: pg.Client, id: string): Promise<void> {
  await client.query(`DELETE FROM scission.verification WHERE requested_at < now() - interval '1 hour'`)
  await client.query('INSERT INTO scission.verification (id) VALUES ($1)', [id])
}

export async function forgetVerification(client: pg.Client, id: string): Promise<void> {
  await client.query('DELETE FROM scission.verification WHERE id = $1', [id])
}

/** Says which point it is to be. */
export async function setVerificationPoint(client: pg.Client, id: string, point: string): Promise<void> {
  await client.query('UPDATE scission.verification SET point = $2::pg_lsn WHERE id = $1', [id, point])
}

/** The service's snapshot was imported: whoever exported it may let it go. */
export async function endVerification(client: pg.Client, id: string): Promise<void> {
  await client.query('UPDATE scission.verification SET is_seen = true WHERE id = $1', [id])
}

export async function exportVerification(client: pg.Client, id: string, snapshot: string): Promise<void> {
  await client.query('UPDATE scission.verification SET snapshot = $2 WHERE id = $1', [id, snapshot])
}

export interface VerificationRequest {
  readonly point: string | null
  readonly snapshot: string | null
  readonly isSeen: boolean
  /** Milliseconds since it was entered, by the database's clock. */
  readonly ageMs: number
}

export async function readVerification(client: pg.Client, id: string): Promise<VerificationRequest | null> {
  const { rows } = await client.query<{ point: string | null; snapshot: string | null; seen: string; age: string }>(
    `SELECT point::text, snapshot, is_seen AS seen,
            (extract(epoch FROM clock_timestamp() - requested_at) * 1000)::bigint::text AS age
       FROM scission.verification WHERE id = $1`,
    [id],
  )
  const [row] = rows
  return row === undefined
    ? null
    : { point: row.point, snapshot: row.snapshot, isSeen: row.seen === 't', ageMs: Number(row.age) }
}
