import type { ContractColumn, Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'

/** Bits of the null map that one 64-bit seed holds, below the bit that tells the two hashes apart. */
const NULLS_PER_SEED = 48

/** The second hash starts from another seed: the two together make 128 bits. */
const SECOND_SEED = '4611686018427387904'

/**
 * The SQL of an entity's digest: row count, and the sums of two 64-bit hashes of each row. It runs in the monolith under
 * the snapshot and in the service's database alike, in pinned sessions, over PostgreSQL's text of every column.
 *
 * A row's hash is a chain: each column's text is hashed with the previous column's hash as its seed, so that a value
 * belongs to its column and its row; the chain starts from a map of the nulls, so that NULL is not the empty string.
 * Sums, not XOR: two equal rows do not cancel each other out. docs/decisions/0002-digest.md has the measurements.
 *
 * @param where a condition in SQL, for a part of the table.
 */
export function digestSql(entity: Entity, where = 'true'): string {
  const [high, low] = rowHashesSql(entity)
  return (
    `SELECT pg_catalog.count(*) AS rows, coalesce(pg_catalog.sum(high), 0) AS high, coalesce(pg_catalog.sum(low), 0) AS low ` +
    `FROM (SELECT ${high} AS high, ${low} AS low FROM ONLY ${tableSql(entity)} WHERE ${where}) AS hashed`
  )
}

/** The two 64-bit hashes of a row, as SQL expressions over the table's columns. */
export function rowHashesSql(entity: Entity): readonly [high: string, low: string] {
  return [chain(entity, '0'), chain(entity, SECOND_SEED)]
}

/** `schema.table`, quoted. */
export function tableSql({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

function chain(entity: Entity, start: string): string {
  const nullable = entity.columns.filter((column) => column.nullable).map(({ name }) => quoteIdentifier(name))
  let hash = `${start}::bigint`
  for (let first = 0; first < nullable.length; first += NULLS_PER_SEED) {
    const flags = nullable.slice(first, first + NULLS_PER_SEED).map(nullFlag)
    hash = first === 0 ? `(${start} + ${flags.join(' + ')})` : hashed(`(${flags.join(' + ')})::text`, hash)
  }
  for (const column of entity.columns) {
    const text = valueText(column)
    hash = hashed(column.nullable ? `coalesce(${text}, '')` : text, hash)
  }
  return hash
}

/**
 * A value as COPY writes it. The cast of xml to text keeps an encoding declaration that COPY leaves out, so that an equal
 * copy would look different, and the cast of an unlimited bpchar drops trailing spaces that COPY keeps; a user's type may
 * rest on either, and an enum cannot.
 */
function valueText({ name, type, requires }: ContractColumn): string {
  const column = quoteIdentifier(name)
  const isEnum = requires.some((definition) => definition.labels !== undefined)
  const needsOutput = type.startsWith('xml') || type === 'bpchar' || (type.includes('.') && !isEnum)
  return needsOutput ? `pg_catalog.format('%s', ${column})` : `${column}::text`
}

/** A composite value whose fields are all null satisfies IS NULL too; its text still tells it from NULL. */
function nullFlag(column: string, bit: number): string {
  return `((${column} IS NULL)::int::bigint << ${bit})`
}

/** COLLATE "C", because a nondeterministic collation hashes equal texts of different bytes alike. */
function hashed(text: string, seed: string): string {
  return `pg_catalog.hashtextextended(${text} COLLATE "C", ${seed})`
}
