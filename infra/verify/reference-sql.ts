import type { ContractCrossReference, Entity } from '../../contracts/language/contract-set.ts'
import { quoteIdentifier, quoteLiteral } from '../../contracts/language/quoting.ts'
import { tableSql } from '../postgres/digest-sql.ts'

/**
 * The values that a reference names, each with the number of rows that name it, in ascending order. A row with a NULL
 * in the reference does not refer, as in a foreign key with MATCH SIMPLE.
 */
export function referringSql(entity: Entity, { on, when }: ContractCrossReference): string {
  const conditions = on.map((name) => `${quoteIdentifier(name)} IS NOT NULL`)
  if (when !== null) conditions.push(`${quoteIdentifier(when.column)}::text = ${quoteLiteral(when.equals)}`)
  return `COPY (SELECT key, count(*) FROM (
      SELECT ${referenceKeySql(on)} AS key FROM ONLY ${tableSql(entity)} WHERE ${conditions.join(' AND ')}
    ) AS referring GROUP BY key ORDER BY key) TO STDOUT`
}

/** The values that a reference can name, in ascending order. */
export function targetsSql(entity: Entity, columns: readonly string[]): string {
  return `COPY (SELECT ${referenceKeySql(columns)} AS key FROM ONLY ${tableSql(entity)} ORDER BY key) TO STDOUT`
}

/**
 * A key as one text in which no two keys are alike: each column's text in hexadecimal, each closed by a comma. The
 * digits keep the order of the bytes in every encoding, the comma sorts before all of them, and COPY escapes none.
 */
function referenceKeySql(columns: readonly string[]): string {
  const parts = columns.map((name) => `encode(convert_to(${quoteIdentifier(name)}::text, 'UTF8'), 'hex') || ','`)
  return `(${parts.join(' || ')}) COLLATE "C"`
}
