import { type Entity, wireColumns } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier } from '../../contracts/language/quoting.ts'
import { tableSql } from '../../infra/postgres/digest-sql.ts'

/** A column of the live table as the catalog has it. */
export interface LiveColumn {
  readonly name: string
  /** Whether it is an identity that is always generated. */
  readonly always: boolean
  /** Whether the database computes it. */
  readonly generated: boolean
}

/** A live table, its shadow, and what else the live one has. */
export interface MergedColumns {
  readonly live: Entity
  readonly shadow: Entity
  readonly columns: readonly LiveColumn[]
}

/** Pairs of places, of which one is null where its side lacks the row; both are in the session's own schema. */
const DIFFERING = 'pg_temp.scission_merge'
const MOVED = 'pg_temp.scission_moved'

/**
 * Finds the rows that one side lacks, and those that differ, by comparing every value as its type writes it: `=` holds
 * 1.0 for 1.00 and 0 for -0, and some types have none. A row is known by its key's text, so that a key that is only
 * written otherwise is another row, which is deleted and inserted. Values that are stored apart are carried as pointers.
 */
export function createDifferingSql(table: MergedColumns): string {
  const { live, shadow } = table
  const sameKey = live.key.map((name) => `${textOf('live', name)} = ${textOf('shadow', name)}`).join(' AND ')
  const differs = (names: readonly string[]): string =>
    names.length === 0 ? 'false' : names.map((name) => differsIn(name)).join(' OR ')
  return `CREATE TEMPORARY TABLE ${DIFFERING} ON COMMIT DROP AS
    SELECT live.ctid AS live_place, shadow.ctid AS shadow_place, ${differs(identities(table))} AS moved
    FROM ONLY ${tableSql(live)} AS live FULL JOIN ONLY ${tableSql(shadow)} AS shadow ON ${sameKey}
    WHERE live.ctid IS NULL OR shadow.ctid IS NULL OR ${differs(others(live))}`
}

export function dropDifferingSql(): string {
  return `DROP TABLE ${DIFFERING}`
}

/** Deletes the rows that the shadow lacks. */
export function deleteLackingSql({ live }: MergedColumns): string {
  return (
    `DELETE FROM ONLY ${tableSql(live)} AS live USING ${DIFFERING} AS pair ` +
    'WHERE live.ctid = pair.live_place AND pair.shadow_place IS NULL'
  )
}

/** Inserts the rows that the live table lacks. Manual: "INSERT", OVERRIDING SYSTEM VALUE. */
export function insertMissingSql({ live, shadow }: MergedColumns): string {
  const names = wireColumns(live).map(({ name }) => quoteIdentifier(name))
  const values = names.map((name) => `shadow.${name}`)
  return (
    `INSERT INTO ${tableSql(live)} (${names.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${values.join(', ')} ` +
    `FROM ${DIFFERING} AS pair JOIN ONLY ${tableSql(shadow)} AS shadow ON shadow.ctid = pair.shadow_place ` +
    'WHERE pair.live_place IS NULL'
  )
}

/** Keeps what rows that are to be taken out have besides the contract's columns, which nobody else knows. */
export function createMovedSql(table: MergedColumns, moved: 'identity' | 'all'): string {
  const kept = additional(table).map((name, index) => `, live.${quoteIdentifier(name)} AS kept_${index}`)
  return `CREATE TEMPORARY TABLE ${MOVED} ON COMMIT DROP AS
    SELECT pair.live_place, pair.shadow_place${kept.join('')}
    FROM ${DIFFERING} AS pair JOIN ONLY ${tableSql(table.live)} AS live ON live.ctid = pair.live_place
    WHERE pair.shadow_place IS NOT NULL AND ${moved === 'all' ? 'true' : 'pair.moved'}`
}

export function dropMovedSql(): string {
  return `DROP TABLE ${MOVED}`
}

/** A statement of its own: one that deletes and inserts would meet rows that it has yet to delete. */
export function deleteMovedSql({ live }: MergedColumns): string {
  return `DELETE FROM ONLY ${tableSql(live)} AS live USING ${MOVED} AS pair WHERE live.ctid = pair.live_place`
}

export function insertMovedSql(table: MergedColumns): string {
  const { live, shadow } = table
  const own = wireColumns(live).map(({ name }) => quoteIdentifier(name))
  const kept = additional(table)
  const names = [...own, ...kept.map(quoteIdentifier)]
  const values = [...own.map((name) => `shadow.${name}`), ...kept.map((_, index) => `pair.kept_${index}`)]
  return (
    `INSERT INTO ${tableSql(live)} (${names.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${values.join(', ')} ` +
    `FROM ${MOVED} AS pair JOIN ONLY ${tableSql(shadow)} AS shadow ON shadow.ctid = pair.shadow_place`
  )
}

/** Updates the rows that differ and are not taken out; null where the key and identities are all that there is. */
export function updateDifferingSql(table: MergedColumns): string | null {
  const { live, shadow } = table
  const fixed = new Set(identities(table))
  const set = others(live)
    .filter((name) => !fixed.has(name))
    .map((name) => `${quoteIdentifier(name)} = shadow.${quoteIdentifier(name)}`)
  if (set.length === 0) return null
  return (
    `UPDATE ONLY ${tableSql(live)} AS live SET ${set.join(', ')} ` +
    `FROM ${DIFFERING} AS pair JOIN ONLY ${tableSql(shadow)} AS shadow ON shadow.ctid = pair.shadow_place ` +
    'WHERE live.ctid = pair.live_place AND NOT pair.moved'
  )
}

/** All columns that travel, but the key's. */
function others(live: Entity): string[] {
  return wireColumns(live)
    .map(({ name }) => name)
    .filter((name) => !live.key.includes(name))
}

/** Those among them that an update cannot set. */
function identities({ columns, live }: MergedColumns): string[] {
  const always = new Set(columns.filter((column) => column.always).map(({ name }) => name))
  return others(live).filter((name) => always.has(name))
}

/** What the live table has and the contract has not, without what the database computes. */
function additional({ columns, live }: MergedColumns): string[] {
  const own = new Set(live.columns.map(({ name }) => name))
  return columns.filter(({ generated, name }) => !generated && !own.has(name)).map(({ name }) => name)
}

/** The text of NULL is empty too, so that both are compared. */
function differsIn(name: string): string {
  const [live, shadow] = ['live', 'shadow'].map((side) => `${side}.${quoteIdentifier(name)}`)
  return `${textOf('live', name)} <> ${textOf('shadow', name)} OR num_nonnulls(${live}) <> num_nonnulls(${shadow})`
}

/** A value as its type writes it, which a cast to text is not for all: it strips a bpchar's spaces. */
function textOf(side: 'live' | 'shadow', name: string): string {
  return `concat(${side}.${quoteIdentifier(name)}) COLLATE "C"`
}
