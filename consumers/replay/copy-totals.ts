import { addDigests, type Digest, EMPTY_DIGEST } from '../../contracts/digest.ts'
import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteLiteral } from '../../contracts/language/quoting.ts'
import { atMost } from '../../infra/verify/at-most.ts'
import { readDigest, totalsOf } from '../../infra/verify/compare-rows.ts'
import type { Totals } from '../../infra/verify/report.ts'
import { inSnapshot, type SharedSnapshot } from './copy-snapshot.ts'

/** Below it, opening one more session costs more than it saves: 16 MB of pages as PostgreSQL has them by default. */
const LEAST_PART_PAGES = 2_048

/** An older server reads the whole table for a range of places. Release notes: PostgreSQL 14, "TID range scans". */
const RANGE_SCANS_FROM = 140_000

/** A part of a table that one session reads. */
interface Part {
  readonly entity: Entity
  readonly where: string
  readonly pages: number
}

/**
 * Rows and digest of tables, by their entities' names, all as of the snapshot. A large table is read in parts by several
 * sessions at once, since the digest of rows is the sum of those of any parts of them.
 * @param jobs how many sessions read at the same time.
 * @param unreadable says why a table cannot be read, where the error that it is told of means that; else throws it.
 */
export async function copyTotals<Unreadable extends string>(
  snapshot: SharedSnapshot,
  entities: readonly Entity[],
  jobs: number,
  unreadable: (entity: Entity, error: unknown) => Unreadable = (_, error) => {
    throw error
  },
): Promise<Map<string, Totals | Unreadable>> {
  const parts = await partsOf(snapshot, entities, jobs)
  const read = await atMost(jobs, parts, async ({ entity, where }) => {
    snapshot.signal?.throwIfAborted()
    return await inSnapshot(snapshot, async (client) => {
      try {
        return { entity, found: await readDigest(client, entity, where) }
      } catch (error) {
        return { entity, found: unreadable(entity, error) }
      }
    })
  })
  const totals = new Map<string, Totals | Unreadable>()
  for (const { name } of entities)
    totals.set(name, sumOf(read.flatMap(({ entity, found }) => (entity.name === name ? [found] : []))))
  return totals
}

function sumOf<Unreadable extends string>(found: readonly (Digest | Unreadable)[]): Totals | Unreadable {
  let sum = EMPTY_DIGEST
  for (const part of found) {
    if (typeof part === 'string') return part
    sum = addDigests(sum, part)
  }
  return totalsOf(sum)
}

/** The large ones first, so that no session is left with one in the end. */
async function partsOf(snapshot: SharedSnapshot, entities: readonly Entity[], jobs: number): Promise<Part[]> {
  const { pages, version } = await readSizes(snapshot, entities)
  return entities
    .flatMap((entity, index) => cut(entity, pages[index] ?? 0, version < RANGE_SCANS_FROM ? 1 : jobs))
    .toSorted((left, right) => right.pages - left.pages)
}

/**
 * Cuts a table into at most so many parts, by the number of its pages, which may be an estimate: the last part has no
 * end, so that no row is in none.
 */
export function cut(entity: Entity, pages: number, most: number): Part[] {
  const count = Math.max(1, Math.min(most, Math.floor(pages / LEAST_PART_PAGES)))
  const firstPage = (number: number): number => Math.floor((pages * number) / count)
  return Array.from({ length: count }, (_, number) => {
    const conditions = [
      ...(number === 0 ? [] : [`ctid >= ${place(firstPage(number))}`]),
      ...(number === count - 1 ? [] : [`ctid < ${place(firstPage(number + 1))}`]),
    ]
    return { entity, where: conditions.join(' AND ') || 'true', pages: firstPage(number + 1) - firstPage(number) }
  })
}

function place(page: number): string {
  return `${quoteLiteral(`(${page},0)`)}::tid`
}

/** As the last ANALYZE or index has left them in the catalog: to ask for the files' own sizes would take locks. */
async function readSizes(
  { client }: SharedSnapshot,
  entities: readonly Entity[],
): Promise<{ readonly pages: readonly number[]; readonly version: number }> {
  const { rows } = await client.query<{ pages: string | null; version: string }>(
    `SELECT relpages AS pages, current_setting('server_version_num') AS version
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, relation, place)
       LEFT JOIN pg_namespace ON nspname = schema
       LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = relation
      ORDER BY place`,
    [entities.map(({ schema }) => schema), entities.map(({ table }) => table)],
  )
  return { pages: rows.map(({ pages }) => Number(pages ?? 0)), version: Number(rows[0]?.version ?? 0) }
}
