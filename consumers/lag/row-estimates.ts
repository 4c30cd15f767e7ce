import type pg from 'pg'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import type { UseSession } from '../../infra/postgres/kept-sessions.ts'
import type { PostgresTarget } from '../../infra/postgres/session.ts'

/** A table of the monolith, and its name in the contract. */
export interface EstimatedTable {
  readonly name: string
  readonly schema: string
  readonly table: string
}

type Estimates = ReadonlyMap<string, number>
type ReadEstimates = (service: string, tables: readonly EstimatedTable[]) => Promise<Estimates>

/** ANALYZE writes them, which is seldom. */
const KEPT_MS = 60_000

/** The monolith's estimates of its tables' rows; a service's are read once a minute. */
export function createEstimates(monolith: PostgresTarget, use: UseSession): ReadEstimates {
  const known = new Map<string, { readonly estimates: Promise<Estimates>; readonly atMs: number }>()
  return async (service, tables) => {
    const former = known.get(service)
    if (former !== undefined && performance.now() - former.atMs < KEPT_MS) return await former.estimates
    const estimates = use(monolith, { purpose: 'lag' }, async (client) => await queryEstimates(client, tables))
    known.set(service, { estimates, atMs: performance.now() })
    // What failed is asked for again at the next look.
    estimates.catch(() => known.delete(service))
    return await estimates
  }
}

/** One that was never analysed has none, and neither has one that is not there. Manual: "pg_class", `reltuples`. */
async function queryEstimates(client: pg.Client, tables: readonly EstimatedTable[]): Promise<Estimates> {
  const { rows } = await client.query<{ place: string; rows: string }>(
    `SELECT place::text, class.reltuples::bigint::text AS rows
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
       JOIN pg_class AS class ON class.oid = to_regclass(wanted.name) WHERE class.reltuples >= 0`,
    [tables.map(({ schema, table }) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)],
  )
  return new Map(
    rows.flatMap(({ place, rows: estimate }) => {
      const table = tables[Number(place) - 1]
      return table === undefined ? [] : [[table.name, Number(estimate)] as const]
    }),
  )
}
