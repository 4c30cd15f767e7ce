import { Failure } from '../../contracts/failure.ts'
import { tableSql } from '../postgres/digest-sql.ts'
import type { BackupTable } from './read-tables.ts'

/** The file of a table's rows in pg_dump's directory, without its ending, by the table's number in the monolith. */
export type DataFiles = ReadonlyMap<string, string>

/**
 * Reads one line of `pg_restore --list`, such as `3535; 0 16405 TABLE DATA public Element app`: a number by which the
 * file is called, and the table's own. Names come behind them, where they can be anything.
 */
export function parseDataEntry(line: string): { readonly file: string; readonly oid: string } | null {
  const [, file, oid] = /^(\d+); 0 (\d+) TABLE DATA /.exec(line) ?? []
  return file === undefined || oid === undefined ? null : { file, oid }
}

/** @throws Failure 3 that names the tables whose rows the dump does not list. */
export function assertAllListed(tables: readonly BackupTable[], files: DataFiles): void {
  const missing = tables.filter(({ oid, entity }) => !files.has(oid) && entity.columns.length > 0)
  if (missing.length === 0) return
  const [first] = missing
  throw new Failure(
    3,
    `The dump does not list the rows of ${first === undefined ? '' : tableSql(first)}${missing.length > 1 ? ` and of ${missing.length - 1} more tables` : ''}: it is no backup; run backup again, and report this if it happens again.`,
  )
}
