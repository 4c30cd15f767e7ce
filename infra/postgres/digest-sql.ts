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
  const { nulls, texts } = rowSource(entity)
  const named = [
    ...nulls.map((sql, index) => ({ sql, name: `nulls_${index}` })),
    ...texts.map((sql, index) => ({ sql, name: `text_${index}` })),
  ]
  const names = { nulls: nulls.map((_, index) => `nulls_${index}`), texts: texts.map((_, index) => `text_${index}`) }
  // OFFSET 0 keeps the planner from writing each text into both chains, where it would be made twice.
  const source = named.map(({ sql, name }) => `${sql} AS ${name}`).join(', ')
  return (
    `SELECT pg_catalog.count(*) AS rows, coalesce(pg_catalog.sum(high), 0) AS high, coalesce(pg_catalog.sum(low), 0) AS low ` +
    `FROM (SELECT ${chain(names, '0')} AS high, ${chain(names, SECOND_SEED)} AS low ` +
    `FROM (SELECT ${source} FROM ONLY ${tableSql(entity)} WHERE ${where} OFFSET 0) AS source) AS hashed`
  )
}

/** The two 64-bit hashes of a row, as SQL expressions over the table's columns. */
export function rowHashesSql(entity: Entity): readonly [high: string, low: string] {
  const source = rowSource(entity)
  return [chain(source, '0'), chain(source, SECOND_SEED)]
}

/** `schema.table`, quoted. */
export function tableSql({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

/** What a row's hashes are made of, as SQL: the maps of its nulls, and the text of each column. */
interface RowSource {
  readonly nulls: readonly string[]
  readonly texts: readonly string[]
}

function rowSource(entity: Entity): RowSource {
  const nullable = entity.columns.filter((column) => column.nullable).map(({ name }) => quoteIdentifier(name))
  const nulls: string[] = []
  for (let first = 0; first < nullable.length; first += NULLS_PER_SEED)
    nulls.push(
      `(${nullable
        .slice(first, first + NULLS_PER_SEED)
        .map(nullFlag)
        .join(' + ')})`,
    )
  const texts = entity.columns.map((column) =>
    column.nullable ? `coalesce(${valueText(column)}, '')` : valueText(column),
  )
  return { nulls, texts }
}

function chain({ nulls, texts }: RowSource, start: string): string {
  const [first, ...more] = nulls
  let hash = first === undefined ? `${start}::bigint` : `(${start} + ${first})`
  for (const map of more) hash = hashed(`${map}::text`, hash)
  for (const text of texts) hash = hashed(text, hash)
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
