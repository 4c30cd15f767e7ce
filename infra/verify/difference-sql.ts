import type { Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { rowHashesSql, tableSql } from '../postgres/digest-sql.ts'
import { CONTEXT_CHARACTERS, SHOWN_CHARACTERS } from './visible-text.ts'

/** The log's rows of one entity, in the session's own schema. */
const LOG_TABLE = 'scission_log'
const DIFFERING_TABLE = 'pg_temp.scission_differing'

/** The entity as it stands in the log's temporary table, for the SQL that takes an entity. */
export function inLogTable(entity: Entity): Entity {
  return { ...entity, schema: 'pg_temp', table: LOG_TABLE }
}

/**
 * A table of the contract's columns and nothing else: whatever the log holds can be in it, also twice. Generated columns
 * are computed in it by the contract's expression, since they do not travel.
 */
export function createLogTableSql(entity: Entity): string {
  const columns = entity.columns.map(({ name, type, generated }) => {
    const expression = generated === undefined ? '' : ` GENERATED ALWAYS AS (${generated}) STORED`
    return `${quoteIdentifier(name)} ${type}${expression}`
  })
  return `CREATE TEMPORARY TABLE ${tableSql(inLogTable(entity))} (${columns.join(', ')}) ON COMMIT DROP`
}

/**
 * Keeps each row, as its key and its hashes, that one side holds more often than the other. Both sides are read once and
 * compared as multisets, so that a row too many is found where no key forbids it.
 */
export function createDifferingSql(entity: Entity): string {
  const side = (of: Entity, mark: string): string => {
    const [high, low] = rowHashesSql(of)
    const key = of.key.map((name) => outputText(quoteIdentifier(name)))
    return `SELECT ARRAY[${key.join(', ')}] AS key, ${high} AS high, ${low} AS low, ${mark} AS in_log, ctid AS place FROM ONLY ${tableSql(of)}`
  }
  const count = (mark: string): string => `count(*) FILTER (WHERE ${mark})`
  return `CREATE TEMPORARY TABLE ${DIFFERING_TABLE} ON COMMIT DROP AS
    SELECT key, high, low, ${count('in_log')} AS expected, ${count('NOT in_log')} AS found,
           min(place) FILTER (WHERE in_log) AS log_place, min(place) FILTER (WHERE NOT in_log) AS service_place
    FROM (${side(inLogTable(entity), 'true')} UNION ALL ${side(entity, 'false')}) AS both_sides
    GROUP BY key, high, low HAVING ${count('in_log')} <> ${count('NOT in_log')}`
}

/** How many rows differ: of each key, as many as the side that has more of them holds too many. */
export function totalSql(): string {
  return `SELECT coalesce(sum(greatest(lacking, surplus)), 0) AS total FROM (
      SELECT sum(greatest(expected - found, 0)) AS lacking, sum(greatest(found - expected, 0)) AS surplus
      FROM ${DIFFERING_TABLE} GROUP BY key) AS by_key`
}

/** A row that differs: where it is on either side (null: it is not there), and how often. */
export interface DifferingPair {
  /** The key's values in order, with at most one character more than is shown; null for a secret. */
  readonly key: readonly (string | null)[]
  readonly log: Occurrences | null
  readonly service: Occurrences | null
}

/** One version of a row: how often the log holds it, how often the service, and a place of it. */
export interface Occurrences {
  readonly expected: number
  readonly found: number
  readonly place: string
}

/** The rows that differ in the order of their keys, the log's paired with the service's of the same key; $1 bounds them. */
export function pairsSql(entity: Entity): string {
  const key = entity.key.map((name, index) =>
    isSecret(entity, name)
      ? `NULL AS key_${index}`
      : `left(key[${index + 1}], ${SHOWN_CHARACTERS + 1}) AS key_${index}`,
  )
  return `WITH ranked AS (
      SELECT *, expected > found AS lacking,
             row_number() OVER (PARTITION BY key, expected > found ORDER BY high, low) AS rank
      FROM ${DIFFERING_TABLE}
    ), log AS (
      SELECT key, rank, expected AS log_expected, found AS log_found, log_place FROM ranked WHERE lacking
    ), service AS (
      SELECT key, rank, expected AS service_expected, found AS service_found, service_place FROM ranked WHERE NOT lacking
    )
    SELECT ${key.join(', ')}, log_expected, log_found, log_place, service_expected, service_found, service_place
    FROM log FULL JOIN service USING (key, rank) ORDER BY key, rank LIMIT $1`
}

/**
 * The columns in which two rows differ, and of each value the part around the first character that differs. That place is
 * found by halving, over the values' bytes: a value of many megabytes is compared in the server and never fetched, and
 * counting characters anew in each step would take seconds. $1 and $2 are the rows' places.
 */
export function differingColumnsSql(entity: Entity): string {
  const values = entity.columns.map(({ name, secret }, position) => {
    const [expected, found] = ['log', 'service'].map((side) => outputText(`${side}.${quoteIdentifier(name)}`))
    return `(${position}, ${secret}, ${expected}, ${found})`
  })
  const shown = (value: string): string =>
    `CASE WHEN NOT secret THEN substr(${value}, start + 1, ${SHOWN_CHARACTERS}) END`
  return `WITH RECURSIVE pair AS MATERIALIZED (
      SELECT value.* FROM ${tableSql(inLogTable(entity))} AS log CROSS JOIN ONLY ${tableSql(entity)} AS service
        CROSS JOIN LATERAL (VALUES ${values.join(', ')}) AS value (position, secret, expected, found)
      WHERE log.ctid = $1::tid AND service.ctid = $2::tid AND value.expected IS DISTINCT FROM value.found
    ), ${alikeSql()}
    SELECT position, characters, start, ${shown('expected')} AS expected, ${shown('found')} AS found,
           length(expected) AS expected_length, length(found) AS found_length
    FROM pair LEFT JOIN alike USING (position)
      CROSS JOIN LATERAL (SELECT greatest(coalesce(characters, 0) - ${CONTEXT_CHARACTERS}, 0) AS start) AS excerpt
    ORDER BY position`
}

/** How many characters the values of each pair have in common at their beginning. */
function alikeSql(): string {
  const half = (side: string): string => `substr(${side}, low + 1, middle - low)`
  return `encoded AS MATERIALIZED (
      SELECT position, convert_to(expected, 'UTF8') AS expected, convert_to(found, 'UTF8') AS found FROM pair
      WHERE NOT secret AND expected IS NOT NULL AND found IS NOT NULL
    ), search (position, low, high) AS (
      SELECT position, 0, least(length(expected), length(found)) FROM encoded
      UNION ALL
      SELECT position, CASE WHEN same THEN middle ELSE low END, CASE WHEN same THEN high ELSE middle - 1 END
      FROM (
        SELECT position, low, high, middle, ${half('expected')} = ${half('found')} AS same
        FROM search JOIN encoded USING (position) CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half
        WHERE low < high
      ) AS step
    ), alike AS (
      SELECT position, length(substr(expected, 1, ${characterStartSql('bytes')}), 'UTF8') AS characters
      FROM (SELECT position, max(low) AS bytes FROM search GROUP BY position) AS prefix JOIN encoded USING (position)
    )`
}

/** Where the character begins in which a place lies: every byte of one but its first is 10xxxxxx, and it has at most four. */
function characterStartSql(place: string): string {
  return `(SELECT max(at) FROM generate_series(greatest(${place} - 3, 0), ${place}) AS at
           WHERE at >= length(expected) OR get_byte(expected, at) & 192 <> 128)`
}

export function isSecret(entity: Entity, name: string): boolean {
  return entity.columns.some((column) => column.name === name && column.secret)
}

/**
 * A value as its type writes it, which a cast to text is not for all: it strips a bpchar's spaces, and keeps the encoding
 * that an XML declaration names. Only an absent value is NULL here; `IS NULL` also holds for a composite of nulls.
 */
function outputText(column: string): string {
  return `CASE WHEN num_nonnulls(${column}) = 1 THEN concat(${column}) END COLLATE "C"`
}
