import type pg from 'pg'
import { Failure } from '../../contracts/failure.ts'
import type { Entity, Service } from '../../contracts/language/contract-set.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'

/** By entity, a text that any insert, update or delete changes; null where there is no table. */
export type RowVersions = Readonly<Record<string, string | null>>

/** An older server hashes no place as such. Release notes: PostgreSQL 14. */
const HASHES_PLACES_FROM = 140_000

/**
 * Which versions of which rows the tables hold, by their places and by the transactions that made them: much faster than
 * a digest of the values, and as sure where it is asked whether somebody has written meanwhile. A table that is
 * written anew as it is (CLUSTER, VACUUM FULL) counts as written too. Manual: "System Columns".
 */
export async function readRowVersions(client: pg.Client, { entities }: Service): Promise<RowVersions> {
  const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version_num') AS version`)
  const hash =
    Number(rows[0]?.version) >= HASHES_PLACES_FROM
      ? 'hashtidextended(ctid, xmin::text::bigint)'
      : `hashtextextended(ctid::text, xmin::text::bigint)`
  const versions: Record<string, string | null> = {}
  for (const entity of entities) versions[entity.name] = await readVersions(client, entity, hash)
  return versions
}

async function readVersions(client: pg.Client, entity: Entity, hash: string): Promise<string | null> {
  const { rows: found } = await client.query<{ found: string | null }>('SELECT to_regclass($1)::text AS found', [
    tableSql(entity),
  ])
  if (found[0]?.found == null) return null
  const { rows } = await client.query<{ versions: string }>(
    `SELECT concat(count(*), '/', sum(${hash})) AS versions FROM ONLY ${tableSql(entity)}`,
  )
  return rows[0]?.versions ?? null
}

/**
 * What was compared must be what is replaced.
 * @throws Failure 3 that names the tables which were written to since.
 */
export function assertUnwritten(service: string, compared: RowVersions, now: RowVersions): void {
  const written = Object.keys(compared).filter((entity) => compared[entity] !== now[entity])
  if (written.length === 0) return
  throw new Failure(
    3,
    `Service ${service} has written to ${written.join(', ')} since its tables were compared with the log, or somebody else has: nothing was replaced. See what with replay ${service} --dry-run, compare anew with replay ${service} --restart, or take the log's rows with --overwrite.`,
  )
}
