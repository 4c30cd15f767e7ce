import type { Entity } from '../../../contracts/language/contract-set.ts'
import type { RowDifference, TableReport, VerifyReport } from '../../../infra/verify/report.ts'
import { beginning, SECRET, visibleText } from '../../../infra/verify/visible-text.ts'
import type { Alteration } from './mutations.ts'
import { keyOf, type RowText } from './row-text.ts'

/** A difference by what it names: its kind, its key and its columns. */
export type Named = string

/** What verify must say of each entity after these alterations, and nothing else. */
export function expectedRows(alterations: readonly Alteration[]): Map<string, Named[]> {
  const expected = new Map<string, Named[]>()
  for (const entity of new Set(alterations.map((alteration) => alteration.entity))) {
    const own = alterations.filter((alteration) => alteration.entity === entity)
    const rows = rowsOfEntity(entity, own).sort()
    if (rows.length > 0) expected.set(entity.name, rows)
  }
  return expected
}

function rowsOfEntity(entity: Entity, alterations: readonly Alteration[]): Named[] {
  const byKey = (rows: readonly (RowText | null)[]): Map<string, RowText> =>
    new Map(rows.flatMap((row) => (row === null ? [] : [[visibleKey(entity, row, false), row]])))
  const before = byKey(alterations.map((alteration) => alteration.before))
  const after = byKey(alterations.map((alteration) => alteration.after))
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)]
    // Two rows that had nothing but their keys to swap are the same two rows.
    if (was?.every((value, index) => value === is?.[index])) return []
    const shown = visibleKey(entity, was ?? is ?? [], true)
    if (was === undefined || is === undefined) return `${is === undefined ? 'missing' : 'extra'} ${shown}`
    const columns = entity.columns.filter((_, index) => was[index] !== is[index]).map(({ name }) => name)
    return `different ${shown}: ${columns.join(', ')}`
  })
}

function visibleKey(entity: Entity, row: RowText, masked: boolean): string {
  const secret = (name: string): boolean =>
    masked && entity.columns.some((column) => column.name === name && column.secret)
  const values = keyOf(entity, row)
  return entity.key
    .map((name, index) => (secret(name) ? SECRET : visibleText(beginning(values[index] ?? null))))
    .join(', ')
}

/** The same of a report's table. Values are left out, but each column must show two that differ. */
export function namedRows({ differences }: TableReport): Named[] {
  return differences.rows.map(namedRow).sort()
}

function namedRow(row: RowDifference): Named {
  const key = row.key.map(({ value }) => value).join(', ')
  if (row.kind === 'count') return `${row.found} in place of ${row.expected} ${key}`
  if (row.kind !== 'different') return `${row.kind} ${key}`
  const alike = row.columns.find(({ expected, found }) => expected === found && expected !== SECRET)
  if (alike !== undefined) return `${key}: ${alike.column} shows ${alike.expected} on both sides`
  return `different ${key}: ${row.columns.map(({ column }) => column).join(', ')}`
}

/** All tables of a report, by their entities' names: no two services have one of the same name. */
export function tablesOf(report: VerifyReport): Map<string, TableReport> {
  return new Map(report.services.flatMap(({ tables }) => tables.map((table) => [table.entity, table])))
}
