import type pg from 'pg'
import type { Entity } from '../contracts/language/contract-set.ts'
import { tableSql } from '../infra/postgres/digest-sql.ts'

/** What a table was when it was read: what the WAL does not tell of it shows by a comparison. */
export interface TableState {
  /** A table that was dropped and made anew is another one. */
  readonly oid: string
  /** Changes when all rows are written anew: ALTER TABLE, VACUUM FULL, CLUSTER, TRUNCATE. */
  readonly file: string
  /** Changes when a column is altered in any way. */
  readonly columns: string
}

/**
 * `moved`: the same rows in another file (VACUUM FULL, CLUSTER), or a truncate, which the WAL tells. `rewritten`: ALTER TABLE
 * has written other values, of which the WAL tells nothing. `replaced`: it is another table.
 */
export type TableChange = 'same' | 'moved' | 'rewritten' | 'replaced'

export function judgeTable(recorded: TableState, present: TableState | undefined): TableChange {
  if (present === undefined || present.oid !== recorded.oid) return 'replaced'
  if (present.file === recorded.file) return 'same'
  return present.columns === recorded.columns ? 'moved' : 'rewritten'
}

/**
 * The tables as they are now, by `tableSql`; one that is not there is left out. The rows of the catalog that describe a
 * column are replaced by any ALTER of it, which shows by their xmin. Manual: "pg_attribute", "System Columns".
 */
export async function readTableStates(
  client: pg.Client,
  entities: readonly Entity[],
): Promise<Map<string, TableState>> {
  const { rows } = await client.query<{ name: string; oid: string; file: string; columns: string }>(
    `SELECT wanted.name, class.oid::text AS oid, pg_relation_filenode(class.oid)::text AS file,
            (SELECT md5(string_agg(attnum || ':' || attribute.xmin, ',' ORDER BY attnum))
               FROM pg_attribute AS attribute WHERE attrelid = class.oid AND attnum > 0) AS columns
       FROM unnest($1::text[]) AS wanted (name) JOIN pg_class AS class ON class.oid = to_regclass(wanted.name)`,
    [entities.map(tableSql)],
  )
  return new Map(rows.map(({ name, ...state }) => [name, state]))
}

/**
 * Puts on record what tables are as their reading begins.
 * @param unlessRecorded leaves what is recorded of a table already.
 */
export async function recordTableStates(
  client: pg.Client,
  prefix: string,
  states: ReadonlyMap<string, TableState>,
  unlessRecorded = false,
): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS scission.read_table
       (prefix text, name text, oid text NOT NULL, file text NOT NULL, columns text NOT NULL, PRIMARY KEY (prefix, name))`,
  )
  const entries = [...states]
  await client.query(
    `INSERT INTO scission.read_table (prefix, name, oid, file, columns)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
     ON CONFLICT (prefix, name) DO ${unlessRecorded ? 'NOTHING' : 'UPDATE SET oid = excluded.oid, file = excluded.file, columns = excluded.columns'}`,
    [
      prefix,
      entries.map(([name]) => name),
      entries.map(([, { oid }]) => oid),
      entries.map(([, { file }]) => file),
      entries.map(([, { columns }]) => columns),
    ],
  )
}

/** What was recorded, by `tableSql`; empty where nothing is. */
export async function readRecordedStates(client: pg.Client, prefix: string): Promise<Map<string, TableState>> {
  const known = await client.query<{ found: string | null }>("SELECT to_regclass('scission.read_table')::text AS found")
  if (known.rows[0]?.found == null) return new Map()
  const { rows } = await client.query<{ name: string; oid: string; file: string; columns: string }>(
    'SELECT name, oid, file, columns FROM scission.read_table WHERE prefix = $1',
    [prefix],
  )
  return new Map(rows.map(({ name, ...state }) => [name, state]))
}

/**
 * The entities whose tables the log does not tell of any more, since they were read: what the log has of them is void. What
 * was merely moved is put on record anew, so that a later ALTER of a column is not taken for its rewriting.
 */
export async function changedTables(client: pg.Client, prefix: string, entities: readonly Entity[]): Promise<Entity[]> {
  const recorded = await readRecordedStates(client, prefix)
  const present = await readTableStates(client, entities)
  const moved = new Map<string, TableState>()
  const changed = entities.filter((entity) => {
    const name = tableSql(entity)
    const [before, now] = [recorded.get(name), present.get(name)]
    const change = before === undefined ? 'same' : judgeTable(before, now)
    if (change === 'moved' && now !== undefined) moved.set(name, now)
    return change === 'rewritten' || change === 'replaced'
  })
  if (moved.size > 0) await recordTableStates(client, prefix, moved)
  return changed
}
