import { RELEASE_VARIABLE } from '../with-servers.ts'

/** Whether a column can be NOT NULL for new rows alone, as from PostgreSQL 18 on. */
export const HAS_NOT_NULL_OF_NEW_ROWS = Number(process.env[RELEASE_VARIABLE] ?? '0') >= 18

/** A constraint by which new rows hold no null in a column, and older ones may; before PostgreSQL 18 a CHECK is the way. */
export function notNullOfNewRows(column: string): string {
  return `${HAS_NOT_NULL_OF_NEW_ROWS ? `NOT NULL ${column}` : `CHECK (${column} IS NOT NULL)`} NOT VALID`
}
